import { BusError, type Reason } from '../../model/errors.js';

/** Result codes of SQLite that say that the file, the disk or the memory is at fault, and not the statement. */
const BUSY = 5;
const AWAY: ReadonlyMap<number, string> = new Map([
  [BUSY, 'the file is locked'],
  [6, 'the file is locked'],
  [7, 'out of memory'],
  [8, 'the file cannot be written'],
  [10, 'the disk failed'],
  [11, 'the file is damaged'],
  [13, 'the disk is full'],
  [14, 'the file cannot be opened'],
  [26, 'it is no SQLite file'],
]);

/** What is wrong with the store; undefined for an error that is not the store's. */
export function faultOf(error: unknown): string | undefined {
  return AWAY.get(resultCode(error));
}

export function isBusy(error: unknown): boolean {
  return resultCode(error) === BUSY;
}

/** The error as a port's caller sees it: `unavailable` when the store is at fault, else the error itself. */
export function asBusError(error: unknown, unavailable: Reason): unknown {
  const fault = faultOf(error);
  return fault === undefined ? error : new BusError(unavailable, fault, { cause: error });
}

function resultCode(error: unknown): number {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return 0;
  // The low byte is the primary code, what is above it only details it.
  return error.errcode & 0xff;
}
