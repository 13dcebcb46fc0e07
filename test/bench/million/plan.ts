import { BODY_BYTES } from '../comparisons.js';

const MILLION = 1_000_000;

/** What a run of this scale does. A whole million is what the figures are promised for; less is for tests. */
export interface Plan {
  /** Of the backlog, and of the schedule. */
  readonly messages: number;
  readonly idleSubscribers: number;
  readonly liveRate: number;
  readonly dueRate: number;
  readonly dueSeconds: number;
  readonly bodyBytes: number;
}

export function planOf(messages: number): Plan {
  const share = Math.min(1, messages / MILLION);
  return {
    messages,
    idleSubscribers: Math.max(100, Math.round(1_000 * share)),
    liveRate: 200,
    dueRate: share === 1 ? 2_000 : 1_000,
    dueSeconds: Math.max(3, Math.round(40 * share)),
    bodyBytes: BODY_BYTES,
  };
}
