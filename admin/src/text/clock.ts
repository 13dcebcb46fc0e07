/** The gateway's clock, as far as its figures tell: what is "3 s ago" must not hang on the operator's own clock. */
let ahead = 0;

/** Differences below this are the way that the answer took. */
const NOISE_MS = 2_000;

export function setClock(gatewayMs: number, ownMs = Date.now()): void {
  const difference = gatewayMs - ownMs;
  ahead = Math.abs(difference) < NOISE_MS ? 0 : difference;
}

export function now(): number {
  return Date.now() + ahead;
}
