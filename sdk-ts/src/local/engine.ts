import { setImmediate } from 'node:timers/promises';
import type { Body } from '../body.js';
import type { Bus, SettleResult } from '../bus.js';
import type { CallOptions, PublishItem, PublishOptions } from '../call-options.js';
import type { Codec } from '../codec/codec.js';
import type { StandardSchema } from '../codec/standard-schema.js';
import { ACK, type Action, nackAsked, reject } from '../consumer/action.js';
import { Batches } from '../consumer/batches.js';
import type { BatchHandler, Handler } from '../consumer/handler.js';
import type { PullOptions } from '../consumer/pull-options.js';
import { MAX_LEASE_SECONDS } from '../consumer/received-message.js';
import type { Subscription } from '../consumer/subscribe-options.js';
import { oneByOne, type Work } from '../consumer/work.js';
import { type Duration, milliseconds, seconds } from '../duration.js';
import { ClosedError } from '../errors.js';
import type { Lock, LockOptions, LockScope } from '../lock/lock.js';
import { underLock } from '../lock/under-lock.js';
import type { Message, NackOptions } from '../message.js';
import { within } from '../pause.js';
import type { Published } from '../publisher/pending.js';
import { publishMany } from '../publisher/publish-many.js';
import type { RequestOptions, Responder, ServeOptions } from '../request/options.js';
import { reply } from '../request/reply.js';
import { Requests } from '../request/requests.js';
import { serve } from '../request/serve.js';
import { topicOf } from '../topic/bus-topic.js';
import type { Topic } from '../topic/topic.js';
import { Agenda } from './agenda.js';
import type { ChannelParts, ChannelStats } from './channel.js';
import { type Clock, SystemClock } from './clock.js';
import { type DeadLetter, type DeadLetterFilter, DeadLetters } from './dead-letters.js';
import type { LocalBatchOptions, LocalSubscribeOptions } from './events.js';
import { KnownIds } from './known-ids.js';
import type { LocalMessage } from './local-message.js';
import { localPull, pullLimits } from './local-pull.js';
import { LocalSubscription } from './local-subscription.js';
import { LocalLocks } from './locks.js';
import { dueAtOf } from './message-rules.js';
import { channelLimits, type LocalBusOptions, type ResolvedLocalOptions, resolveOptions } from './options.js';
import { LocalPublisher } from './publisher.js';
import { Receipts } from './receipts.js';
import type { StoredMessage } from './stored-message.js';
import { Topics } from './topics.js';
import { Turns } from './turns.js';

/** What a test replaces or listens to. */
export interface EngineParts {
  readonly clock?: Clock;
  /** Nothing is handed out but by `settled`. */
  readonly paused?: boolean;
  /** Makes bodies on publish, so that a payload which JSON cannot hold is refused there. */
  readonly encodes?: boolean;
  readonly published?: (message: StoredMessage, dueAt: number) => void;
  readonly failed?: (error: unknown, message: Message, subscription: LocalSubscription) => void;
}

/** The bus in memory. Topics and payloads have no types here: `LocalBus` gives them. */
export class LocalEngine implements Bus {
  readonly #options: ResolvedLocalOptions;
  readonly #parts: EngineParts;
  readonly #agenda: Agenda;
  readonly #turns: Turns;
  readonly #receipts = new Receipts();
  readonly #deadLetters: DeadLetters;
  readonly #topics: Topics;
  readonly #publisher: LocalPublisher;
  readonly #locks: LocalLocks;
  readonly #clock: Clock;
  readonly #requests: Requests;
  readonly #subscriptions = new Set<LocalSubscription>();
  readonly #ended = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(options: LocalBusOptions = {}, parts: EngineParts = {}) {
    const { clock = new SystemClock(), paused = false, encodes = false, published } = parts;
    this.#options = resolveOptions(options);
    this.#parts = parts;
    this.#clock = clock;
    this.#agenda = new Agenda(clock);
    this.#turns = new Turns(paused);
    this.#deadLetters = new DeadLetters(this.#options.maxDeadLetters);
    const shared: ChannelParts = {
      clock,
      agenda: this.#agenda,
      turns: this.#turns,
      receipts: this.#receipts,
      deadLetters: this.#deadLetters,
      slow: this.#options.slow,
    };
    this.#topics = new Topics(shared, this.#options.policy, this.#options.channel);
    const ids = new KnownIds(this.#options.dedupeWindowMs);
    const publishing = { clock, agenda: this.#agenda, topics: this.#topics, ids, encodes, published };
    this.#publisher = new LocalPublisher(publishing, this.#options.publisher);
    this.#locks = new LocalLocks(clock, this.#agenda);
    this.#requests = new Requests({
      publish: (topic, body, options) => this.publish(topic, body, options),
      // Not among those that `close` stops first, as their handlers may still wait for replies; and outside of the bus's middleware, which is for handlers.
      subscribe: (topic, channel, handler, options = {}) =>
        this.#open(topic, channel, oneByOne(handler, options), options, []),
      removeTopic: async (topic) => this.#topics.remove(topic),
    });
  }

  publish(topic: string, body: Body, options?: PublishOptions): Promise<Published> {
    if (options?.deadline === undefined) {
      return this.#publisher.publish(topic, body, options, this.#options.deadlineMs, options?.signal);
    }
    return this.#publishBy(topic, body, options);
  }

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

  emit(topic: string, payload: unknown): boolean {
    return this.#publisher.emit(topic, payload);
  }

  subscribe(topic: string, channel: string, handler: Handler, options: LocalSubscribeOptions = {}): Subscription {
    return this.#consume(topic, channel, oneByOne(handler, options), options);
  }

  subscribeBatch(topic: string, channel: string, handler: BatchHandler, options: LocalBatchOptions = {}): Subscription {
    return this.#consume(topic, channel, new Batches(handler, options), options);
  }

  topic<In, Out>(name: string, codec: Codec<In, Out> | StandardSchema<In, Out>): Topic<In, Out> {
    return topicOf(this, name, codec);
  }

  async *pull(
    topic: string,
    channel: string,
    options: PullOptions = {},
  ): AsyncGenerator<LocalMessage, void, undefined> {
    if (this.#closed !== undefined) throw new ClosedError('the bus is closed');
    const limits = pullLimits(options, this.#options.leaseMs);
    const from = this.#topics.channel(topic, channel, options.retry, {});
    const ended = this.#ended.signal;
    const signal = options.signal === undefined ? ended : AbortSignal.any([options.signal, ended]);
    yield* localPull(from, limits, signal);
  }

  async ack(receipts: string | readonly string[]): Promise<SettleResult[]> {
    return this.#settle(ACK, receipts);
  }

  async nack(receipts: string | readonly string[], options: NackOptions = {}): Promise<SettleResult[]> {
    return this.#settle(nackAsked(options), receipts);
  }

  async extend(receipts: string | readonly string[], options: { lease?: Duration } = {}): Promise<SettleResult[]> {
    const { lease } = options;
    const leaseSeconds = lease === undefined ? 0 : seconds(lease, 'lease', 1, MAX_LEASE_SECONDS);
    return this.#settle({ kind: 'extend', leaseSeconds }, receipts);
  }

  async reject(receipts: string | readonly string[], options: { reason?: string } = {}): Promise<SettleResult[]> {
    return this.#settle(reject(options.reason ?? ''), receipts);
  }

  async cancel(topic: string, id: string): Promise<void> {
    this.#requireOpen();
    this.#publisher.cancel(topic, id);
  }

  async reschedule(topic: string, id: string, when: { delay: Duration } | { at: Date }): Promise<Date> {
    this.#requireOpen();
    const now = this.#clock.now();
    const dueAt = 'at' in when ? dueAtOf(undefined, when.at, now) : dueAtOf(when.delay, undefined, now);
    return this.#publisher.reschedule(topic, id, dueAt);
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
    this.#requireOpen();
    return this.#locks.acquire(name, ttl, options, this.#options.deadlineMs);
  }

  deadLetters(filter: DeadLetterFilter = {}): DeadLetter[] {
    return this.#deadLetters.list(filter);
  }

  redrive(filter: DeadLetterFilter = {}): number {
    return this.#deadLetters.redrive(filter);
  }

  stats(): ChannelStats[] {
    return this.#topics.channels().map((channel) => channel.stats);
  }

  /** Hands out all that is ready, and resolves when nothing is and no handler runs, or when the signal aborts. */
  async settled(signal?: AbortSignal): Promise<void> {
    do {
      await this.#turns.flush();
      for (const subscription of this.#subscriptions) await subscription.idle();
      // Timers have their turn too, however much there is to do.
      await setImmediate();
    } while (this.#busy && !signal?.aborted);
  }

  get #busy(): boolean {
    if (this.#turns.ready) return true;
    for (const { running } of this.#subscriptions) if (running > 0) return true;
    return false;
  }

  get subscriptions(): readonly LocalSubscription[] {
    return [...this.#subscriptions];
  }

  async ping(): Promise<void> {
    this.#requireOpen();
  }

  close(options: { timeout?: Duration } = {}): Promise<void> {
    this.#closed ??= this.#close(options.timeout ?? 30_000);
    return this.#closed;
  }

  /**
   * What is ready is handled first: nothing is kept for another time. Then the subscriptions, and the publisher when the last has stopped: their
   * handlers may still publish, and wait for replies.
   */
  async #close(timeout: Duration): Promise<void> {
    const timeoutMs = milliseconds(timeout, 'timeout');
    const end = performance.now() + timeoutMs;
    if (this.#subscriptions.size > 0) {
      if (this.#parts.paused !== true) await this.#drain(timeoutMs);
      const left = Math.max(0, Math.round(end - performance.now()));
      await Promise.all([...this.#subscriptions].map((subscription) => subscription.stop({ timeout: left })));
    }
    this.#publisher.close();
    this.#ended.abort();
    await this.#requests.close(Math.max(0, Math.round(end - performance.now())));
    this.#locks.close();
    this.#agenda.close();
  }

  async #drain(timeoutMs: number): Promise<void> {
    const tooLong = new AbortController();
    await within(this.settled(tooLong.signal), timeoutMs);
    tooLong.abort();
  }

  #consume(topic: string, channel: string, work: Work, options: LocalSubscribeOptions): Subscription {
    this.#requireOpen();
    const subscription = this.#open(topic, channel, work, options);
    this.#subscriptions.add(subscription);
    const forget = () => this.#subscriptions.delete(subscription);
    subscription.closed.then(forget, forget);
    return subscription;
  }

  #open(
    topic: string,
    channel: string,
    work: Work,
    options: LocalSubscribeOptions,
    middleware = this.#options.middleware,
  ): LocalSubscription {
    const limits = channelLimits(options);
    return new LocalSubscription(topic, channel, work, options, {
      middleware,
      leaseMs: this.#options.leaseMs,
      failed: this.#parts.failed,
      open: () => this.#topics.channel(topic, channel, options.retry, limits),
    });
  }

  #settle(action: Action, receipts: string | readonly string[]): SettleResult[] {
    this.#requireOpen();
    const all = typeof receipts === 'string' ? [receipts] : receipts;
    return all.map((receipt) => ({ receipt, status: this.#receipts.settle(receipt, action) }));
  }

  #requireOpen(): void {
    if (this.#closed !== undefined) throw new ClosedError('the bus is closed');
  }

  #deadlineMs({ deadline }: CallOptions): number {
    return deadline === undefined ? this.#options.deadlineMs : milliseconds(deadline, 'deadline', 1);
  }
}
