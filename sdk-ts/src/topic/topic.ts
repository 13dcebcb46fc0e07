import type { CallOptions, PublishOptions } from '../call-options.js';
import type { BatchOptions } from '../consumer/batch-options.js';
import type { PullOptions } from '../consumer/pull-options.js';
import type { SubscribeOptions, Subscription } from '../consumer/subscribe-options.js';
import type { Duration } from '../duration.js';
import type { Message } from '../message.js';
import type { MessageOptions } from '../publisher/outgoing.js';
import type { Published } from '../publisher/pending.js';

/** What is done with each value of a typed topic. What it returns or throws counts as with any handler. */
export type TopicHandler<T> = (value: T, message: Message) => unknown;

/** What is done with the values that were gathered; settling one by hand leaves the others. */
export type TopicBatchHandler<T> = (batch: readonly Received<T>[]) => unknown;

/** A value, and the message that it came in. */
export interface Received<T> {
  readonly value: T;
  readonly message: Message;
}

/** A value with options of its own, in `publishMany`. */
export interface TopicItem<T> extends MessageOptions {
  value: T;
}

/**
 * A topic, or a pattern of topics, whose values have a type: `In` when they are published, `Out` when they arrive.
 *
 * What does not fit the codec is rejected on publish with InvalidArgumentError, whose `field` says where. When it arrives from elsewhere, it becomes a
 * dead letter with the reason, and no handler is called.
 */
export interface Topic<In, Out = In> {
  readonly name: string;
  /** `bus.publish` of a value. */
  publish(value: In, options?: PublishOptions): Promise<Published>;
  /** `bus.publishMany` of values. All are encoded first: when one does not fit, none is sent. */
  publishMany(values: Iterable<In>, options?: CallOptions): Promise<Published[]>;
  /** The same for values with options of their own. */
  publishItems(items: Iterable<TopicItem<In>>, options?: CallOptions): Promise<Published[]>;
  /** `bus.subscribe` with values. */
  subscribe(channel: string, handler: TopicHandler<Out>, options?: SubscribeOptions): Subscription;
  /** `bus.subscribeBatch` with values. */
  subscribeBatch(channel: string, handler: TopicBatchHandler<Out>, options?: BatchOptions): Subscription;
  /** `bus.pull` with values: `for await (const { value, message } of orders.pull('billing')) await message.ack()`. */
  pull(channel: string, options?: PullOptions): AsyncGenerator<Received<Out>, void, undefined>;
  /** `bus.cancel` of this topic. */
  cancel(id: string, options?: CallOptions): Promise<void>;
  /** `bus.reschedule` of this topic. */
  reschedule(id: string, when: { delay: Duration } | { at: Date }, options?: CallOptions): Promise<Date>;
}
