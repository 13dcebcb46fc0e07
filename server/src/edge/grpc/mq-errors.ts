import { BusError, type Reason } from '../../model/errors.js';

/** In the words of the original: its clients look for them. */
const UNAVAILABLE = 'server unavailable';
const AWAY: ReadonlySet<Reason> = new Set<Reason>(['BROKER_UNAVAILABLE', 'DRAINING', 'LEDGER_UNAVAILABLE']);

/** Does the work; whatever says that the gateway can't serve now says so as the original does. The reason stays. */
export async function plainly<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BusError && AWAY.has(error.reason))
      throw new BusError(error.reason, UNAVAILABLE, { cause: error });
    throw error;
  }
}

/** The work, which goes on should the time be up before: then BROKER_UNAVAILABLE. */
export async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  if (!Number.isFinite(ms)) return work;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new BusError('BROKER_UNAVAILABLE', 'not ready before the deadline')), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
