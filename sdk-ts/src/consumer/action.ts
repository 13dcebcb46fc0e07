import { milliseconds } from '../duration.js';
import type { NackOptions } from '../message.js';
import { MAX_DELAY_MS } from '../publisher/outgoing.js';

/** What is to become of a delivery. */
export type Verdict = { readonly kind: 'ack' } | Nack | Reject;

export interface Nack {
  readonly kind: 'nack';
  /** Undefined: the retry policy's. */
  readonly delayMs: number | undefined;
  readonly reason: string;
  /** No handler had begun with it: this counts as no attempt. */
  readonly unhandled: boolean;
}

export interface Reject {
  readonly kind: 'reject';
  readonly reason: string;
}

/** What may be asked for a delivery. */
export type Action = Verdict | { readonly kind: 'extend'; readonly leaseSeconds: number };

export const ACK: Verdict = { kind: 'ack' };
export const MAX_REASON_LENGTH = 1_024;

export function nack(delayMs: number | undefined, reason: string, unhandled = false): Nack {
  return { kind: 'nack', delayMs, reason: reason.slice(0, MAX_REASON_LENGTH), unhandled };
}

/** As a caller asks for it; throws InvalidArgumentError for a delay out of range. */
export function nackAsked({ delay, reason = '', unhandled = false }: NackOptions): Nack {
  const delayMs = delay === undefined ? undefined : milliseconds(delay, 'delay', 0, MAX_DELAY_MS);
  return nack(delayMs, reason, unhandled);
}

export function reject(reason: string): Reject {
  return { kind: 'reject', reason: reason.slice(0, MAX_REASON_LENGTH) };
}
