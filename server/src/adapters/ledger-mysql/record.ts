import type { RecordState } from '../../ports/ledger.js';

/** As the tables store them: those from `acked` on are final. */
export const STATE_CODE: Readonly<Record<RecordState, number>> = {
  delivered: 1,
  returned: 2,
  retry: 3,
  leased: 4,
  acked: 5,
  dead: 6,
  expired: 7,
  cancelled: 8,
  purged: 9,
};

const STATES: readonly RecordState[] = [
  'delivered',
  'returned',
  'retry',
  'leased',
  'acked',
  'dead',
  'expired',
  'cancelled',
  'purged',
];

/** An outcome in `attempts` that no record has: an operator gave the dead letter back. */
export const REDRIVEN_CODE = 10;

export function stateOf(code: number): RecordState {
  const state = STATES[code - 1];
  if (state === undefined) throw new Error(`the ledger holds a delivery in the unknown state ${code}`);
  return state;
}
