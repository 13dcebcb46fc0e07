import type { Channel, ChannelId } from '../model/channel.js';
import { BusError } from '../model/errors.js';
import type { Incoming } from '../model/message-codec.js';
import type { RetryPolicy } from '../model/retry-policy.js';
import { type TermsOf, termsOf } from '../model/search-term.js';
import type { TraceContext } from '../model/trace-context.js';
import type { Broker } from '../ports/broker.js';
import type { Clock } from '../ports/clock.js';
import type { Dedupe } from '../ports/dedupe.js';
import type { Aliased, Ledger } from '../ports/ledger.js';
import type { Logger } from '../ports/logger.js';
import type { Rebalance } from '../ports/rebalance.js';
import type { Schedule } from '../ports/schedule.js';
import type { Service } from '../ports/service.js';
import { silentTelemetry, type Telemetry } from '../ports/telemetry.js';
import { isAlias } from './alias.js';
import type { Action } from './change.js';
import { Channels } from './channels.js';
import { ClientShares } from './client-share.js';
import { type Delivery, DeliveryTable } from './delivery.js';
import { Dispatcher, type DispatcherParts } from './dispatcher.js';
import { Gate } from './gate.js';
import { HeldBytes } from './held-bytes.js';
import { NonceSource } from './ids.js';
import { Keeper } from './keeper.js';
import { LedgerCalls } from './ledger-calls.js';
import { Limit } from './limit.js';
import type { BusLimits } from './limits.js';
import { Parking } from './parking.js';
import { Publisher } from './publish.js';
import type { PublishRefusal, PublishResult } from './publish-request.js';
import { type Pulled, type PullOptions, PullWaits, pull } from './pull.js';
import { Rebalancer } from './rebalancer.js';
import { formatReceipt } from './receipt.js';
import { Releaser } from './release.js';
import { Settler, type SettleStatus } from './settle.js';
import { Stall } from './stall.js';
import { Subscription, type SubscriptionOptions } from './subscription.js';
import { Tally } from './tally.js';
import { checkDue, MessageRules } from './validate.js';

export interface BusParts {
  readonly broker: Broker;
  readonly ledger: Ledger;
  readonly schedule: Schedule;
  readonly dedupe: Dedupe;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Silent unless given. */
  readonly telemetry?: Telemetry;
  /** Absent where there is only ever one gateway. */
  readonly rebalance?: Rebalance;
}

export interface BusOptions {
  readonly maxMessageBytes: number;
  readonly frameMessages: number;
  readonly maxPendingPublishBytes: number;
  /** Frames that a channel may hold here; 0: as credit says. */
  readonly prefetchLimit: number;
  readonly defaultLeaseMs: number;
  readonly defaultRetry: RetryPolicy;
  readonly limits: BusLimits;
  /** The most topics, and the most channels, that are counted one by one. 0 unless given. */
  readonly countedChannels?: number;
  /** By which messages are found, besides their keys. */
  readonly searchHeaders?: readonly string[];
}

export interface BusCounts {
  /** Streams and waiting pulls. */
  readonly consumers: number;
  /** Topics with messages on their way. */
  readonly producers: number;
  /** Channels that have a consumer here. */
  readonly queues: number;
  /** Messages that consumers of this gateway hold. */
  readonly unsettled: number;
}

/** A frame is closed past this size: large messages gain nothing from company. */
const FRAME_BYTES = 256 * 1024;
/** About what a channel may buffer on one gateway. */
const BUFFER_BYTES = 64 * 1024 * 1024;

/** The core, as the edge sees it. */
export class Bus {
  readonly channels: Channels;
  readonly settler: Settler;
  readonly keeper: Keeper;
  readonly releaser: Releaser;
  readonly parking: Parking;
  readonly rebalancer: Rebalancer | undefined;
  /** Since the start. */
  readonly tally: Tally;
  /** Calls that wait for a message; those that wait for a lock are counted here too. */
  readonly waiting: Limit;
  readonly termsOf: TermsOf;
  /** What messages must keep to. */
  readonly rules: MessageRules;
  readonly #publisher: Publisher;
  readonly #table = new DeliveryTable();
  readonly #dispatchers = new Map<ChannelId, Dispatcher>();
  readonly #dispatcherParts: DispatcherParts;
  readonly #shares: ClientShares;
  readonly #ledgerCalls: LedgerCalls;
  readonly #scheduled = new Set<(dueAt: number) => void>();
  readonly #waits = new PullWaits();
  #draining = false;

  constructor(
    private readonly parts: BusParts,
    options: BusOptions,
  ) {
    const { broker, ledger, schedule, clock, logger, telemetry = silentTelemetry } = parts;
    const table = this.#table;
    const tally = new Tally(options.countedChannels, telemetry.journal);
    this.tally = tally;
    const stall = new Stall();
    const nonces = new NonceSource();
    const scheduled = (dueAt: number) => {
      for (const listener of this.#scheduled) listener(dueAt);
    };
    const { limits, defaultRetry } = options;
    this.termsOf = termsOf(options.searchHeaders ?? []);
    this.rules = new MessageRules(options.maxMessageBytes, limits.topics);
    const shared = { ...parts, termsOf: this.termsOf };
    this.waiting = new Limit('calls that wait', 'MaxWaitingCalls', limits.waitingCalls);
    this.#shares = new ClientShares(limits.client);
    this.#ledgerCalls = new LedgerCalls(clock, limits.pendingSettles);
    const declared = (channel: Channel) => this.parking.release(channel);
    this.channels = new Channels(broker, ledger, defaultRetry, declared, limits.channels);
    const frames = { frameMessages: options.frameMessages, frameBytes: FRAME_BYTES };
    this.channels.onPaused(({ id, paused = false }) => {
      this.#dispatchers
        .get(id)
        ?.hold('paused', paused)
        .catch((error: unknown) => logger.debug({ error }, 'a paused buffer could not be given back'));
    });
    this.channels.onGone((channel) => this.#gone(channel));
    this.releaser = new Releaser({ ...shared, channels: this.channels, telemetry, tally }, frames);
    this.parking = new Parking({ releaser: this.releaser, schedule, channels: this.channels, clock, logger });
    this.settler = new Settler({
      ledger,
      channels: this.channels,
      table,
      tally,
      telemetry,
      clock,
      logger,
      defaultLeaseMs: options.defaultLeaseMs,
      termsOf: this.termsOf,
      scheduled,
    });
    const dispatchers = this.#dispatchers;
    this.keeper = new Keeper({ channels: this.channels, dispatchers, table, settler: this.settler, clock, logger });
    this.#publisher = new Publisher(
      {
        ...shared,
        tally,
        telemetry,
        rules: this.rules,
        scheduled,
        parked: (topic) => this.parking.parked(topic),
      },
      { ...frames, maxPendingBytes: options.maxPendingPublishBytes },
    );
    const gate = new Gate({ ...shared, channels: this.channels, nonces, tally });
    this.#dispatcherParts = {
      broker,
      clock,
      logger,
      telemetry,
      table,
      nonces,
      tally,
      stall,
      gate,
      prefetch: { limit: options.prefetchLimit, bytes: BUFFER_BYTES },
      held: new HeldBytes(limits.heldBytes, () => {
        for (const dispatcher of this.#dispatchers.values()) dispatcher.reconsider();
      }),
      maxSubscribers: limits.subscribersPerChannel,
    };
    const { rebalance } = parts;
    this.rebalancer =
      rebalance === undefined ? undefined : new Rebalancer({ rebalance, dispatchers: this.#dispatchers, clock, stall });
  }

  /** Stopped after the drain, before the engine. */
  get publisher(): Service {
    return this.#publisher;
  }

  /** Calls the listener whenever messages begin to wait for a time. */
  onScheduled(listener: (dueAt: number) => void): void {
    this.#scheduled.add(listener);
  }

  /** `trace`: of the call that brings the messages; those that name none of their own belong to it. */
  publish(
    incoming: readonly Incoming[],
    field: string,
    deadline: number,
    refusal?: PublishRefusal,
    trace?: TraceContext,
  ): Promise<PublishResult[]> {
    return this.#publisher.publish(incoming, field, deadline, refusal, trace);
  }

  /** Opens a consumer's stream on a channel, which is made on first use. */
  subscribe(channel: Channel, options: SubscriptionOptions, send: (deliveries: Delivery[]) => void): Subscription {
    this.#refuseWhenDraining();
    try {
      return new Subscription(this.#dispatcher(channel), this.settler, this.#table, this.#shares, options, send);
    } catch (error) {
      throw this.#refused(error);
    }
  }

  pull(channel: Channel, options: PullOptions): Promise<Pulled[]> {
    this.#refuseWhenDraining();
    this.waiting.enter();
    const { settler, waiting } = this;
    const pulled = pull(this.#dispatcher(channel), settler, this.#waits, this.parts.clock, options);
    return pulled.finally(() => waiting.leave()).catch((error: unknown) => Promise.reject(this.#refused(error)));
  }

  /** What became of a delivery that was pulled under this alias; undefined when none is known. `deadline`, if any, is in Unix milliseconds. */
  async find(
    alias: string,
    deadline = Number.POSITIVE_INFINITY,
  ): Promise<{ readonly receipt: string; readonly state: Aliased['state'] } | undefined> {
    if (!isAlias(alias)) return undefined;
    const found = await this.#ledgerCalls.answer(1, deadline, () => this.parts.ledger.find(alias));
    const channel = found === undefined ? undefined : await this.channels.find(found.channel);
    if (found === undefined || channel === undefined) return undefined;
    const { attempt, nonce, state } = found;
    return { receipt: formatReceipt('leased', channel, attempt, nonce, found), state };
  }

  /** For calls; streams settle by their subscription. `deadline`, if any, is in Unix milliseconds. */
  settle(receipts: readonly string[], action: Action, deadline = Number.POSITIVE_INFINITY): Promise<SettleStatus[]> {
    return this.#ledgerCalls
      .answer(receipts.length, deadline, () => this.settler.settle(receipts, action))
      .catch((error: unknown) => Promise.reject(this.#refused(error)));
  }

  async cancel(topic: string, id: string): Promise<void> {
    const result = await this.parts.schedule.cancel(topic, id, this.parts.clock.now());
    if (result !== 'changed') throw notWaiting(result, topic, id);
  }

  /** Answers the new due time, in Unix milliseconds. */
  async reschedule(
    topic: string,
    id: string,
    when: { readonly delayMs: number; readonly dueTimeMs: number },
  ): Promise<number> {
    const now = this.parts.clock.now();
    const dueAt = checkDue(when.delayMs, when.dueTimeMs, '', now) || now;
    const result = await this.parts.schedule.reschedule(topic, id, dueAt);
    if (result !== 'changed') throw notWaiting(result, topic, id);
    for (const listener of this.#scheduled) listener(dueAt);
    return dueAt;
  }

  /** Hands out nothing more to new consumers; pulls that wait answer that nothing came. */
  drain(): void {
    this.#draining = true;
    this.#waits.end();
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Messages wait for this time, Unix milliseconds, that an operator brought there. */
  wakeAt(dueAt: number): void {
    for (const listener of this.#scheduled) listener(dueAt);
  }

  /** What goes on in one channel here; undefined when nothing does. */
  local(channel: ChannelId): Dispatcher | undefined {
    return this.#dispatchers.get(channel);
  }

  /** All channels that something goes on in here. */
  locals(): Iterable<Dispatcher> {
    return this.#dispatchers.values();
  }

  /** Ends what goes on in a channel here. False: it has a consumer. */
  async retire(channel: ChannelId): Promise<boolean> {
    const dispatcher = this.#dispatchers.get(channel);
    if (dispatcher === undefined) return true;
    if (!(await dispatcher.retire())) return false;
    this.#dispatchers.delete(channel);
    return true;
  }

  /** Another gateway deleted the channel. Where it is consumed here all the same, it is made again. */
  #gone(channel: Channel): void {
    const consumed = (this.#dispatchers.get(channel.id)?.subscribers ?? 0) > 0;
    const ended = consumed ? this.channels.open(channel.topic, channel.name, undefined) : this.retire(channel.id);
    ended.catch((error: unknown) =>
      this.parts.logger.warn({ error, channel: channel.name }, 'a deleted channel lives on'),
    );
  }

  /** What goes on here at this moment. */
  get counts(): BusCounts {
    let consumers = 0;
    let queues = 0;
    for (const { subscribers } of this.#dispatchers.values()) {
      consumers += subscribers;
      if (subscribers > 0) queues++;
    }
    return { consumers, producers: this.#publisher.topics, queues, unsettled: this.#table.size };
  }

  /** What a client has here, by its address: streams, and the messages that they hold. */
  client(address: string): { readonly consumers: number; readonly inFlight: number } {
    return this.#shares.of(address);
  }

  /** Deliveries that consumers hold. */
  get held(): number {
    return this.#table.size;
  }

  /** Bytes of messages that are held for consumers, and that wait for the broker's confirm. */
  get bytes(): { readonly held: number; readonly pending: number } {
    return { held: this.#dispatcherParts.held.held, pending: this.#publisher.pendingBytes };
  }

  #refused(error: unknown): unknown {
    if (error instanceof BusError) this.tally.refuse(error);
    return error;
  }

  #refuseWhenDraining(): void {
    if (this.#draining) throw new BusError('DRAINING', 'this gateway is shutting down: use another one');
  }

  #dispatcher(channel: Channel): Dispatcher {
    let dispatcher = this.#dispatchers.get(channel.id);
    if (dispatcher === undefined) {
      dispatcher = new Dispatcher(channel, this.#dispatcherParts);
      if (this.channels.isPaused(channel)) void dispatcher.hold('paused', true);
      this.#dispatchers.set(channel.id, dispatcher);
    }
    return dispatcher;
  }
}

function notWaiting(result: 'claimed' | 'absent', topic: string, id: string): BusError {
  if (result === 'claimed')
    return new BusError('ALREADY_DELIVERED', `message "${id}" of topic "${topic}" is being delivered already`);
  return new BusError('SCHEDULED_NOT_FOUND', `no message "${id}" of topic "${topic}" waits in the schedule`);
}
