/** What is to become of a delivery. */
export type Verdict = { readonly kind: 'ack' } | Nack | Reject;

export interface Nack {
  readonly kind: 'nack';
  /** Undefined: the retry policy's. */
  readonly delayMs: number | undefined;
  readonly reason: string;
}

export interface Reject {
  readonly kind: 'reject';
  readonly reason: string;
}

/** What may be asked for a delivery. */
export type Action = Verdict | { readonly kind: 'extend'; readonly leaseSeconds: number };

export const ACK: Verdict = { kind: 'ack' };
export const MAX_REASON_LENGTH = 1_024;

export function nack(delayMs: number | undefined, reason: string): Nack {
  return { kind: 'nack', delayMs, reason: reason.slice(0, MAX_REASON_LENGTH) };
}

export function reject(reason: string): Reject {
  return { kind: 'reject', reason: reason.slice(0, MAX_REASON_LENGTH) };
}
