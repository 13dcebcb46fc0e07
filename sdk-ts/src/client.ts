import { create } from '@bufbuild/protobuf';
import {
  Bus as BusService,
  CancelRequestSchema,
  RescheduleRequestSchema,
  SettleStatus,
} from '@waybill/proto/waybill/v1/bus';
import type { Body } from './body.js';
import type { Bus, CallOptions, PublishItem, PublishOptions, SettleResult } from './bus.js';
import type { Codec } from './codec/codec.js';
import type { StandardSchema } from './codec/standard-schema.js';
import { ACK, type Action, nackAsked, reject } from './consumer/action.js';
import type { BatchOptions } from './consumer/batch-options.js';
import { Batches } from './consumer/batches.js';
import type { BatchHandler, Handler } from './consumer/handler.js';
import { pull } from './consumer/pull.js';
import type { PullOptions } from './consumer/pull-options.js';
import { MAX_LEASE_SECONDS } from './consumer/received-message.js';
import { MAX_RECEIPTS } from './consumer/settle.js';
import { SettleCalls } from './consumer/settle-calls.js';
import type { SubscribeOptions, Subscription } from './consumer/subscribe-options.js';
import { RunningSubscription } from './consumer/subscription.js';
import { oneByOne, type Work } from './consumer/work.js';
import { type Duration, milliseconds, seconds } from './duration.js';
import { ClosedError } from './errors.js';
import type { Connection, UnaryOptions } from './grpc/connection.js';
import { methodDefinition } from './grpc/definition.js';
import { acquire } from './lock/acquire.js';
import type { HeldLock } from './lock/held-lock.js';
import type { Lock, LockOptions, LockScope } from './lock/lock.js';
import { underLock } from './lock/under-lock.js';
import type { Message, NackOptions } from './message.js';
import { dueTime, MAX_DELAY_MS } from './publisher/outgoing.js';
import type { Published } from './publisher/pending.js';
import { publishMany } from './publisher/publish-many.js';
import { Publisher } from './publisher/publisher.js';
import type { RequestOptions, Responder, ServeOptions } from './request/options.js';
import { removeTopic } from './request/remove-topic.js';
import { reply } from './request/reply.js';
import { Requests } from './request/requests.js';
import { serve } from './request/serve.js';
import { topicOf } from './topic/bus-topic.js';
import type { Topic } from './topic/topic.js';

const CANCEL = methodDefinition(BusService.method.cancel);
const RESCHEDULE = methodDefinition(BusService.method.reschedule);

/** The bus, behind a gateway. */
export class Client implements Bus {
  readonly #connection: Connection;
  readonly #publisher: Publisher;
  readonly #settles: SettleCalls;
  readonly #requests: Requests;
  readonly #subscriptions = new Set<RunningSubscription>();
  readonly #locks = new Set<HeldLock>();
  #closed: Promise<void> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#publisher = new Publisher(connection, connection.options.publisher);
    this.#settles = new SettleCalls(connection);
    this.#requests = new Requests({
      publish: (topic, body, options) => this.publish(topic, body, options),
      // Not among those that `close` stops first, as their handlers may still wait for replies; and outside of the bus's middleware, which is for handlers.
      subscribe: (topic, channel, handler, options = {}) =>
        new RunningSubscription(connection, this.#settles, topic, channel, oneByOne(handler, options), options, []),
      removeTopic: (topic, timeoutMs) => removeTopic(connection, topic, timeoutMs),
    });
  }

  publish(topic: string, body: Body, options?: PublishOptions): Promise<Published> {
    if (options?.deadline === undefined) {
      return this.#publisher.publish(topic, body, options, this.#connection.options.deadlineMs, options?.signal);
    }
    return this.#publishBy(topic, body, options);
  }

  // Apart, because an async function around every publish would cost a second promise.
  async #publishBy(topic: string, body: Body, options: PublishOptions): Promise<Published> {
    return this.#publisher.publish(topic, body, options, this.#deadlineMs(options), options.signal);
  }

  async publishMany(
    topic: string,
    items: Iterable<Body | PublishItem>,
    options: CallOptions = {},
  ): Promise<Published[]> {
    return publishMany(this.#publisher, topic, items, this.#deadlineMs(options), options.signal);
  }

  subscribe(topic: string, channel: string, handler: Handler, options: SubscribeOptions = {}): Subscription {
    return this.#consume(topic, channel, oneByOne(handler, options), options);
  }

  subscribeBatch(topic: string, channel: string, handler: BatchHandler, options: BatchOptions = {}): Subscription {
    return this.#consume(topic, channel, new Batches(handler, options), options);
  }

  topic<In, Out>(name: string, codec: Codec<In, Out> | StandardSchema<In, Out>): Topic<In, Out> {
    return topicOf(this, name, codec);
  }

  pull(topic: string, channel: string, options: PullOptions = {}): AsyncGenerator<Message, void, undefined> {
    return pull(this.#connection, this.#settles, topic, channel, options);
  }

  async ack(receipts: string | readonly string[], options: CallOptions = {}): Promise<SettleResult[]> {
    return this.#settle(ACK, receipts, options);
  }

  async nack(receipts: string | readonly string[], options: CallOptions & NackOptions = {}): Promise<SettleResult[]> {
    return this.#settle(nackAsked(options), receipts, options);
  }

  async extend(
    receipts: string | readonly string[],
    options: CallOptions & { lease?: Duration } = {},
  ): Promise<SettleResult[]> {
    const { lease } = options;
    const leaseSeconds = lease === undefined ? 0 : seconds(lease, 'lease', 1, MAX_LEASE_SECONDS);
    return this.#settle({ kind: 'extend', leaseSeconds }, receipts, options);
  }

  async reject(
    receipts: string | readonly string[],
    options: CallOptions & { reason?: string } = {},
  ): Promise<SettleResult[]> {
    return this.#settle(reject(options.reason ?? ''), receipts, options);
  }

  async cancel(topic: string, id: string, options: CallOptions = {}): Promise<void> {
    await this.#connection.unary(CANCEL, create(CancelRequestSchema, { topic, id }), this.#once(options));
  }

  async reschedule(
    topic: string,
    id: string,
    when: { delay: Duration } | { at: Date },
    options: CallOptions = {},
  ): Promise<Date> {
    const request = create(RescheduleRequestSchema, {
      topic,
      id,
      when:
        'at' in when
          ? { case: 'dueTimeMs', value: BigInt(dueTime(when.at, 'at')) }
          : { case: 'delayMs', value: BigInt(milliseconds(when.delay, 'delay', 0, MAX_DELAY_MS)) },
    });
    const { dueTimeMs } = await this.#connection.unary(RESCHEDULE, request, this.#once(options));
    return new Date(Number(dueTimeMs));
  }

  request(topic: string, body: Body, options?: RequestOptions): Promise<Message> {
    return this.#requests.request(topic, body, options);
  }

  reply(request: Message, body: Body, options?: PublishOptions): Promise<Published> {
    return reply(this, request, body, options);
  }

  serve(topic: string, channel: string, responder: Responder, options?: ServeOptions): Subscription {
    return serve(this, topic, channel, responder, options);
  }

  async withLock<T>(
    name: string,
    ttl: Duration,
    fn: (lock: LockScope) => T | Promise<T>,
    options: LockOptions = {},
  ): Promise<T> {
    return underLock(await this.lock(name, ttl, options), fn);
  }

  async lock(name: string, ttl: Duration, options: LockOptions = {}): Promise<Lock> {
    const lock = await acquire(this.#connection, name, ttl, options);
    this.#locks.add(lock);
    void lock.ended.then(() => this.#locks.delete(lock));
    return lock;
  }

  async ping(options: CallOptions = {}): Promise<void> {
    await this.#connection.serving(this.#deadlineMs(options), options.signal);
  }

  close(options: { timeout?: Duration } = {}): Promise<void> {
    this.#closed ??= this.#close(options.timeout ?? 30_000);
    return this.#closed;
  }

  /** Subscriptions first: until the last has stopped, their handlers may still publish, and wait for replies. */
  async #close(timeout: Duration): Promise<void> {
    const end = Date.now() + milliseconds(timeout, 'timeout');
    if (this.#subscriptions.size > 0) {
      await Promise.all([...this.#subscriptions].map((subscription) => subscription.stop({ timeout })));
    }
    // Together, so that what is published from now on is refused at once.
    const leftMs = Math.max(0, end - Date.now());
    await Promise.all([this.#requests.close(leftMs), this.#publisher.close(leftMs)]);
    await Promise.all([...this.#locks].map((lock) => lock.release(end - Date.now())));
    await this.#connection.close();
  }

  #consume(topic: string, channel: string, work: Work, options: SubscribeOptions): Subscription {
    if (this.#closed !== undefined) throw new ClosedError('the bus is closed');
    const subscription = new RunningSubscription(this.#connection, this.#settles, topic, channel, work, options);
    this.#subscriptions.add(subscription);
    const forget = () => this.#subscriptions.delete(subscription);
    subscription.closed.then(forget, forget);
    return subscription;
  }

  async #settle(action: Action, receipts: string | readonly string[], options: CallOptions): Promise<SettleResult[]> {
    const all = typeof receipts === 'string' ? [receipts] : receipts;
    const results: SettleResult[] = [];
    for (let from = 0; from < all.length; from += MAX_RECEIPTS) {
      const part = all.slice(from, from + MAX_RECEIPTS);
      const answers = await this.#settles.call(action, part, this.#deadlineMs(options), options.signal);
      part.forEach((receipt, index) => {
        results.push({ receipt, status: STATUSES[answers[index]?.status ?? SettleStatus.UNSPECIFIED] });
      });
    }
    return results;
  }

  /** For calls that must not be made twice. */
  #once(options: CallOptions): UnaryOptions {
    return { timeoutMs: this.#deadlineMs(options), repeat: false, signal: options.signal };
  }

  #deadlineMs({ deadline }: CallOptions): number {
    return deadline === undefined ? this.#connection.options.deadlineMs : milliseconds(deadline, 'deadline', 1);
  }
}

const STATUSES: Readonly<Record<SettleStatus, SettleResult['status']>> = {
  [SettleStatus.UNSPECIFIED]: 'unknown',
  [SettleStatus.OK]: 'ok',
  [SettleStatus.STALE]: 'stale',
  [SettleStatus.UNKNOWN]: 'unknown',
};
