import type { Body } from './body.js';
import type { CallOptions, PublishItem, PublishOptions } from './call-options.js';
import type { Codec } from './codec/codec.js';
import type { StandardSchema } from './codec/standard-schema.js';
import type { BatchOptions } from './consumer/batch-options.js';
import type { BatchHandler, Handler } from './consumer/handler.js';
import type { PullOptions } from './consumer/pull-options.js';
import type { SubscribeOptions, Subscription } from './consumer/subscribe-options.js';
import type { Duration } from './duration.js';
import type { Lock, LockOptions, LockScope } from './lock/lock.js';
import type { Message, NackOptions } from './message.js';
import type { Published } from './publisher/pending.js';
import type { RequestOptions, Responder, ServeOptions } from './request/options.js';
import type { Topic } from './topic/topic.js';

export type { CallOptions, PublishItem, PublishOptions } from './call-options.js';

/** What became of one receipt: done and durable; too late, so nothing was changed; or not one of this bus. */
export interface SettleResult {
  readonly receipt: string;
  readonly status: 'ok' | 'stale' | 'unknown';
}

/** The message bus. Made by `connect`. */
export interface Bus {
  /**
   * Publishes a message; resolves when it is durable. Calls made at the same time travel together. A message is sent again
   * under the same id until its outcome is known or `deadline` has passed. Publishes to a topic keep their order as long as none has to be sent again.
   *
   * Rejects with InvalidArgumentError, DeadlineError (outcome unknown: publish again with `{ id: error.messageId }`),
   * OverloadedError, AccessError, ClosedError, or the signal's reason.
   */
  publish(topic: string, body: Body, options?: PublishOptions): Promise<Published>;
  /**
   * Publishes many, in order, holding back while too many are pending. An object is an item when it has a `body` and otherwise only
   * the names of message options; any other is a body. Resolves with a result for each; rejects with PublishManyError, which tells which were accepted.
   */
  publishMany(topic: string, items: Iterable<Body | PublishItem>, options?: CallOptions): Promise<Published[]>;
  /** Hands the messages of a channel to `handler`. Topic (or pattern, `orders.*`) and channel are created on first use. Throws InvalidArgumentError for an option out of range. */
  subscribe(topic: string, channel: string, handler: Handler, options?: SubscribeOptions): Subscription;
  /**
   * Hands messages to `handler` in batches of up to `size`. Middleware runs for each message. Otherwise as `subscribe`: a handler that returns acks
   * all that it has not settled itself, one that throws nacks them.
   */
  subscribeBatch(topic: string, channel: string, handler: BatchHandler, options?: BatchOptions): Subscription;
  /**
   * A topic, or a pattern (`orders.*`), whose values are checked and have a type: by any validator that speaks Standard Schema (zod, valibot, arktype), sent as
   * JSON, or by a codec: `json<Order>()`, `text()`, `bytes()`, `protobuf(OrderSchema)`. It holds nothing open.
   *
   * @example
   * const orders = bus.topic('orders', z.object({ number: z.number() }));
   * await orders.publish({ number: 7 });
   * orders.subscribe('billing', async (order, message) => charge(order.number));
   */
  topic<In, Out>(name: string, schema: StandardSchema<In, Out>): Topic<In, Out>;
  topic<In, Out>(name: string, codec: Codec<In, Out>): Topic<In, Out>;
  /** Takes messages one by one, for jobs that run now and then: `for await (const message of bus.pull('orders', 'billing')) await message.ack()`. */
  pull(topic: string, channel: string, options?: PullOptions): AsyncGenerator<Message, void, undefined>;
  /** Done, for receipts from anywhere. Answers what became of each, in order; never rejects for a stale one. */
  ack(receipts: string | readonly string[], options?: CallOptions): Promise<SettleResult[]>;
  /** Not done: again after `delay`, or as the retry policy says. */
  nack(receipts: string | readonly string[], options?: CallOptions & NackOptions): Promise<SettleResult[]>;
  /** More time: `lease` from now, 1 s to 24 h. Default: the subscription's own. */
  extend(receipts: string | readonly string[], options?: CallOptions & { lease?: Duration }): Promise<SettleResult[]>;
  /** Never to be done: dead letters at once. */
  reject(receipts: string | readonly string[], options?: CallOptions & { reason?: string }): Promise<SettleResult[]>;
  /** Withdraws a message that waits for its time or for a first channel. Rejects with NotFoundError when none such waits, FailedPreconditionError when its delivery has begun. */
  cancel(topic: string, id: string, options?: CallOptions): Promise<void>;
  /** Gives a delayed message another time; resolves with it. Exactly one of `delay` and `at`. Rejects as `cancel` does. */
  reschedule(topic: string, id: string, when: { delay: Duration } | { at: Date }, options?: CallOptions): Promise<Date>;
  /**
   * Publishes a request, and resolves with the reply to it, which needs no settling. Replies come by a topic of this bus alone, which is
   * removed when the bus closes.
   *
   * Rejects with DeadlineError, reason NO_REPLY, when none came within `timeout` (default: 10 s); with ReplyError when the reply is an error;
   * with the signal's reason; with ClosedError; or as `publish` and `subscribe` do.
   */
  request(topic: string, body: Body, options?: RequestOptions): Promise<Message>;
  /** Answers a request that any consumer has received, from any language. Resolves when the reply is durable. Rejects with InvalidArgumentError for a message that is no request, or as `publish` does. */
  reply(request: Message, body: Body, options?: PublishOptions): Promise<Published>;
  /**
   * Subscribes, and replies to each request with what `responder` returns, before the request is acked. A responder that throws answers with the error, and
   * nothing is tried again, unless it throws RetryAfter: then the request comes again, as long as somebody waits. UnrecoverableError makes it a
   * dead letter as well. A message that is no request is handled as by `subscribe`.
   */
  serve(topic: string, channel: string, responder: Responder, options?: ServeOptions): Subscription;
  /**
   * Runs `fn` while this process alone, of all that ask for `name`, has the lock; resolves with what `fn` resolves with. The lock is
   * renewed at every third of `ttl` (100 ms to 24 h), and released in the end. `ttl` is how long others wait after this process died.
   *
   * Rejects with LockHeldError when somebody else has it for all of `wait`, with UnavailableError, or with what `fn` rejects with.
   * When the lock is lost, `signal` aborts, and once `fn` has ended this rejects with LockLostError, unless `fn` threw something itself.
   */
  withLock<T>(name: string, ttl: Duration, fn: (lock: LockScope) => T | Promise<T>, options?: LockOptions): Promise<T>;
  /** The same without a function: holds the lock until it is released, lost, or the bus closes. */
  lock(name: string, ttl: Duration, options?: LockOptions): Promise<Lock>;
  /** Resolves when the bus answers that it serves, for readiness checks. Rejects with UnavailableError or AccessError within `deadline`, or with the signal's reason. */
  ping(options?: CallOptions): Promise<void>;
  /**
   * Stops all subscriptions (running handlers finish), confirms what was published, releases all locks, and disconnects. What takes longer than `timeout` (default: 30 s) is left behind.
   * What is called afterwards rejects with ClosedError. Never rejects. Safe twice.
   */
  close(options?: { timeout?: Duration }): Promise<void>;
}
