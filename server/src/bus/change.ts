import { attemptNumber } from '../model/attempt.js';
import { type RetryPolicy, retryDelay } from '../model/retry-policy.js';
import type { Change } from '../ports/ledger.js';
import type { Delivery } from './delivery.js';
import type { Receipt } from './receipt.js';

/** What a consumer says of a delivery. */
export type Action =
  | { readonly kind: 'ack' }
  | Nack
  /** `leaseMs` undefined: the subscription's own. */
  | { readonly kind: 'extend'; readonly leaseMs: number | undefined }
  | { readonly kind: 'reject'; readonly reason: string };

export interface Nack {
  readonly kind: 'nack';
  /** Undefined: as the retry policy says. */
  readonly delayMs: number | undefined;
  readonly reason: string;
  /** The consumer had not begun with it: this counts as no attempt. */
  readonly unhandled?: boolean;
}

export const ACKED: Change = { state: 'acked' };
export const DELIVERED: Change = { state: 'delivered' };

/** What a consumer that is only known by its receipt makes of the ledger's record. */
export function changeByReceipt(
  receipt: Receipt,
  action: Action,
  policy: RetryPolicy,
  now: number,
  defaultLeaseMs: number,
): Change {
  switch (action.kind) {
    case 'ack':
      return ACKED;
    case 'reject':
      return dead(action.reason, undefined);
    case 'extend':
      return { state: 'leased', deadline: now + (action.leaseMs ?? defaultLeaseMs), expiresAt: 0 };
    case 'nack':
      return retried(policy, receipt.attempt, action, now);
  }
}

/** Its consumer went away: others may have it at once, unless that was its last attempt. */
export function returned(policy: RetryPolicy, delivery: Delivery, reason: string, now: number): Change {
  const { message, frame, attempt } = delivery;
  if (retryDelay(policy, attemptNumber(attempt)) === undefined) {
    return dead(reason, frame === undefined ? undefined : message.wire);
  }
  if (frame !== undefined) return { state: 'returned', reason };
  return { state: 'retry', reason, dueAt: now, expiresAt: message.expiresAt };
}

/** Again later, or dead when no retry is left. What nobody began with needs none. */
export function retried(
  policy: RetryPolicy,
  attempt: number,
  { delayMs, reason, unhandled = false }: Nack,
  now: number,
  wire?: Uint8Array,
  expiresAt = 0,
): Change {
  const delay = unhandled ? 0 : retryDelay(policy, attemptNumber(attempt));
  if (delay === undefined) return dead(reason === '' ? 'nacked' : reason, wire);
  const change = { state: 'retry', reason, dueAt: now + (delayMs ?? delay), expiresAt } as const;
  return { ...change, ...(unhandled ? { unused: true } : {}), ...(wire === undefined ? {} : { wire }) };
}

/** The attempts that are used after a change of this one. */
export function countOf(attempt: number, change: Change): number {
  return change.state === 'retry' && change.unused === true ? attempt - 1 : attempt;
}

export function leased({ message, deadline }: Delivery, alias: string | undefined): Change {
  const { expiresAt, wire } = message;
  return { state: 'leased', deadline, expiresAt, wire, ...(alias === undefined ? {} : { alias }) };
}

export function dead(reason: string, wire: Uint8Array | undefined): Change {
  const text = reason === '' ? 'rejected' : reason;
  return wire === undefined ? { state: 'dead', reason: text } : { state: 'dead', reason: text, wire };
}
