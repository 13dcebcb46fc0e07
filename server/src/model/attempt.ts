/** Attempts that one round has room for: far more than `MAX_RETRIES`, and few enough for 200,000 rounds in a receipt. */
export const ROUND = 10_000;

/**
 * The ledger's count of attempts only ever grows, so that a receipt of an earlier attempt is always found to be stale. When an
 * operator redrives a dead letter, a new round begins: the count leaps to the next multiple of `ROUND`. This is the number of
 * an attempt in its round: 1 for the first; 0 before it.
 */
export function attemptNumber(count: number): number {
  return count % ROUND;
}

/** The count with which the next round begins. */
export function nextRound(count: number): number {
  return (Math.floor(count / ROUND) + 1) * ROUND;
}
