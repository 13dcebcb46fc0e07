import type { Middleware } from './middleware.js';
import type { Outcome } from './outcome.js';
import { watch } from './watch.js';

/** Of a subscription: its topic or pattern, so that the number of series does not grow with the topics of a pattern. */
export interface SubscriptionLabels {
  topic: string;
  channel: string;
}

export interface OutcomeLabels extends SubscriptionLabels {
  outcome: Outcome;
}

/** Instruments with the methods of `prom-client`'s own. */
export interface Instruments {
  /** How long handlers take, in seconds, with the labels `topic`, `channel` and `outcome`: a histogram or a summary, whose count is the number of messages. */
  readonly duration?: { observe(labels: OutcomeLabels, seconds: number): void };
  /** How many handlers run, with the labels `topic` and `channel`: a gauge. */
  readonly running?: { inc(labels: SubscriptionLabels): void; dec(labels: SubscriptionLabels): void };
  /** How old messages are when their first attempt begins, in seconds, with the labels `topic` and `channel`: a histogram or a summary. */
  readonly age?: { observe(labels: SubscriptionLabels, seconds: number): void };
}

/**
 * Measures every handled message.
 *
 * @example metrics({ duration: new Histogram({ name: 'handled_seconds', help: '…', labelNames: ['topic', 'channel', 'outcome'] }) })
 */
export function metrics({ duration, running, age }: Instruments): Middleware {
  const timed = watch(({ subscription: { topic, channel }, outcome, durationMs }) =>
    duration?.observe({ topic, channel, outcome }, durationMs / 1_000),
  );
  return async (message, next, subscription) => {
    const { topic, channel } = subscription;
    running?.inc({ topic, channel });
    if (message.attempt === 1) {
      age?.observe({ topic, channel }, Math.max(0, Date.now() - message.publishedAt.getTime()) / 1_000);
    }
    try {
      return await timed(message, next, subscription);
    } finally {
      running?.dec({ topic, channel });
    }
  };
}
