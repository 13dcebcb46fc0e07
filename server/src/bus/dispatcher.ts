import type { Channel } from '../model/channel.js';
import type { Broker, BrokerConsumer, FrameDelivery, FrameSink } from '../ports/broker.js';
import type { Clock } from '../ports/clock.js';
import type { Logger } from '../ports/logger.js';
import type { Telemetry } from '../ports/telemetry.js';
import { Backlog } from './backlog.js';
import { Dealer, FRESH_MS } from './dealer.js';
import { type Buffered, type Delivery, type DeliveryTable, HeldFrame, Link } from './delivery.js';
import type { Gate } from './gate.js';
import { giveBack } from './give-back.js';
import type { HeldAccount, HeldBytes } from './held-bytes.js';
import type { NonceSource } from './ids.js';
import { overLimit } from './limit.js';
import { Pace } from './pace.js';
import { Prefetch, type PrefetchOptions } from './prefetch.js';
import type { Stall } from './stall.js';
import { Subscriber, type SubscriberOptions } from './subscriber.js';
import type { Tally } from './tally.js';
import type { Twin } from './twins.js';

export interface DispatcherParts {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly table: DeliveryTable;
  readonly nonces: NonceSource;
  readonly tally: Tally;
  readonly stall: Stall;
  readonly gate: Gate;
  readonly prefetch: PrefetchOptions;
  readonly held: HeldBytes;
  readonly maxSubscribers: number;
}

/** How long a channel keeps its buffer after its last subscriber went: the next poll of a puller finds it warm. */
const LINGER_MS = 250;
/** What the broker did not take back is tried again after this long. */
const RELEASE_RETRY_MS = 1_000;
/** Consumers that had room for this long, and got nothing, starve. */
const STARVE_MS = 100;
/** How long what goes back may be on its way, without a consumer here or elsewhere. */
const GIVE_BACK_MS = 2_000;
/** When nothing could be handed out for this long, nothing can be, for now. */
const STUCK_MS = 100;
/** How long a gateway asks for no more than its credit takes, once it gave way. */
const LEAN_MS = 5_000;

/** An operator paused the channel, or empties it. */
export type Hold = 'paused' | 'purged';

/** What comes by one consumer of the broker: it is lost together, and nothing else is. */
interface Intake {
  link: Link;
  readonly consumer: BrokerConsumer;
}

/** One channel on this gateway: shares what the broker sends among the local subscribers, as their credit allows. */
export class Dispatcher {
  readonly #subscribers: Subscriber[] = [];
  readonly #backlog = new Backlog();
  readonly #prefetch: Prefetch;
  readonly #pace = new Pace();
  readonly #dealer: Dealer;
  #intake: Intake | undefined;
  readonly #holds = new Set<Hold>();
  readonly #account: HeldAccount;
  #turn = 0;
  #pumping = false;
  /** When a frame came, or a message was handed out, by the steady clock, in milliseconds; as are all times here. */
  #movedAt = 0;
  #leanUntil = 0;
  /** When the broker last did not take what was to go back. */
  #stayedAt = Number.NEGATIVE_INFINITY;
  #releasing = false;
  #lingering: NodeJS.Timeout | undefined;

  constructor(
    readonly channel: Channel,
    private readonly parts: DispatcherParts,
  ) {
    this.#prefetch = new Prefetch(parts.prefetch);
    this.#account = parts.held.account();
    this.#dealer = new Dealer(channel, parts, {
      isHeld: () => this.#holds.size > 0,
      takeBack: (items) => this.takeBack(items),
    });
  }

  /** Throws OVERLOADED when the channel has as many subscribers here as it may have. */
  subscribe(options: SubscriberOptions, send: (deliveries: Delivery[]) => void): Subscriber {
    const { maxSubscribers } = this.parts;
    if (this.#subscribers.length >= maxSubscribers) {
      throw overLimit('subscribers of this channel', 'MaxSubscribersPerChannel', maxSubscribers);
    }
    const subscriber = new Subscriber(options, send, () => this.#wake(), this.parts.clock.now());
    this.#subscribers.push(subscriber);
    clearTimeout(this.#lingering);
    if (this.#intake === undefined) {
      this.#intake = this.#consume();
      this.#movedAt = this.parts.clock.steady();
    }
    this.#wake();
    return subscriber;
  }

  get subscribers(): number {
    return this.#subscribers.length;
  }

  /** Who consumes here. */
  get consumers(): readonly Subscriber[] {
    return this.#subscribers;
  }

  /** Messages that wait here for a consumer. */
  get buffered(): number {
    return this.#backlog.size;
  }

  /** When the one that waits here longest was accepted, Unix milliseconds; 0 when none does. */
  get oldestAcceptedAt(): number {
    return this.#backlog.oldest?.message.acceptedAt ?? 0;
  }

  /** As frames of this channel were lately; 1 before the first. */
  get messagesPerFrame(): number {
    return this.#prefetch.messages;
  }

  /**
   * While it is held, nothing is handed out, and nothing stays here that was not, unless the broker does not take it back. Resolves
   * after `patienceMs` at the latest.
   */
  async hold(reason: Hold, held: boolean, patienceMs = GIVE_BACK_MS): Promise<void> {
    if (held === this.#holds.has(reason)) return;
    if (held) this.#holds.add(reason);
    else this.#holds.delete(reason);
    if (this.#holds.size === 0) this.#wake();
    else {
      this.#ask();
      await this.#giveBack(this.#backlog.drain(), Math.min(patienceMs, GIVE_BACK_MS));
    }
  }

  /** Ends it, unless somebody consumes. False: somebody does. */
  async retire(): Promise<boolean> {
    if (this.#subscribers.length > 0) return false;
    clearTimeout(this.#lingering);
    await this.#release();
    return this.#subscribers.length === 0;
  }

  /** The subscriber gets nothing more, and may still settle what it holds. */
  quiesce(subscriber: Subscriber): void {
    subscriber.close();
    if (!this.#wanted) this.#linger(0);
    else this.#wake();
  }

  /** The subscriber is gone; what it held is its own affair (see Settler.abandon). */
  unsubscribe(subscriber: Subscriber): void {
    subscriber.close();
    const at = this.#subscribers.indexOf(subscriber);
    if (at >= 0) this.#subscribers.splice(at, 1);
    if (!this.#wanted) this.#linger(LINGER_MS);
    else this.#wake();
  }

  /** Messages that were handed out come back, to be handed out again before all others. */
  takeBack(items: readonly Buffered[]): void {
    this.#putBack(items);
    if (this.#holds.size > 0) this.#giveBack().catch((error: unknown) => this.#complain(error));
    else if (!this.#wanted) this.#linger(LINGER_MS);
    else this.#wake();
  }

  /** Its consumers could take more, and nothing has come for a while. */
  starves(now: number): boolean {
    if (this.#holds.size > 0 || this.#backlog.size > 0 || now - this.#movedAt < STARVE_MS) return false;
    return this.#subscribers.some((subscriber) => !subscriber.mute && subscriber.room > 0);
  }

  /** Another gateway is hungry: whatever waits here and can't be handed out goes back. */
  giveWay(now: number): void {
    const { oldest } = this.#backlog;
    if (oldest === undefined || this.#releasing || now - this.#stayedAt < RELEASE_RETRY_MS) return;
    if (now - this.#movedAt < STUCK_MS && now - oldest.arrivedAt < FRESH_MS) return;
    if (this.#subscribers.some((subscriber) => subscriber.room > 0)) return;
    this.#leanUntil = now + LEAN_MS;
    this.parts.tally.gaveWay++;
    this.#ask();
    this.#giveBack().catch((error: unknown) => this.#complain(error));
  }

  /** What waits here of frames that came before this time, by the steady clock, goes back and comes anew. */
  renew(before: number): void {
    if (this.#releasing || !this.#backlog.holdsOlder(before)) return;
    this.#giveBack(this.#backlog.drain(before)).catch((error: unknown) => this.#complain(error));
  }

  /** Frames of the consumer before this one may be out still, and are no concern of its. */
  #consume(): Intake {
    const sink: FrameSink = {
      frame: (delivery) => this.#frame(delivery, intake),
      lost: () => {
        intake.link.break();
        intake.link = new Link(this.#account);
        this.#backlog.dropLost();
      },
    };
    const intake: Intake = { link: new Link(this.#account), consumer: this.parts.broker.consume(this.channel, sink) };
    return intake;
  }

  #frame(delivery: FrameDelivery, intake: Intake): void {
    if (intake !== this.#intake || this.#holds.size > 0) {
      delivery.requeue();
      return;
    }
    let bytes = 0;
    for (const message of delivery.messages) bytes += message.wire.length;
    const arrivedAt = this.parts.clock.steady();
    const frame = new HeldFrame(delivery, intake.link, bytes, arrivedAt);
    this.#movedAt = arrivedAt;
    const verify = delivery.verify || this.parts.stall.doubtful(arrivedAt);
    let twins: Twin[] | undefined;
    for (const message of delivery.messages) {
      const item = { message, frame, arrivedAt, verify };
      const held = verify ? this.parts.table.find(this.channel, message) : undefined;
      if (held === undefined) {
        this.#backlog.add(item);
      } else {
        twins ??= [];
        twins.push({ item, held });
      }
    }
    if (twins !== undefined) void this.#dealer.adopt(twins);
    if (this.#prefetch.observe(delivery.messages.length, bytes)) this.#ask();
    this.#schedulePump();
  }

  get #wanted(): boolean {
    return this.#subscribers.some((subscriber) => !subscriber.closed);
  }

  /** The gateway as a whole may hold more, or less. */
  reconsider(): void {
    this.#ask();
  }

  #wake(): void {
    this.#ask();
    this.#schedulePump();
  }

  /**
   * While the buffer lingers without anybody, what was asked for stands: to ask for nothing would end the broker's consumer, and
   * the next poll would wait for another one.
   */
  #ask(): void {
    const now = this.parts.clock.steady();
    const lean = now < this.#leanUntil;
    const intake = this.#intake;
    if (intake === undefined || (!this.#wanted && !lean && this.#holds.size === 0)) return;
    let credit = 0;
    for (const subscriber of this.#subscribers) if (!subscriber.closed) credit += subscriber.window;
    if (this.#holds.size > 0) credit = 0;
    const wanted = lean || credit === 0 ? credit : Math.max(credit, this.#pace.ahead(now));
    intake.consumer.prefetch(this.#prefetch.frames(wanted, intake.link, lean, this.parts.held.share));
  }

  #schedulePump(): void {
    if (this.#pumping || this.#backlog.size === 0 || this.#holds.size > 0) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      if (this.#holds.size === 0) this.#pump();
    });
  }

  /** Those that may be frozen come last. */
  #pump(): void {
    this.#share(false);
    if (this.#backlog.size > 0) this.#share(true);
  }

  /** Deals out what is here in fair shares, one batch a subscriber. */
  #share(mute: boolean): void {
    for (let idle = 0; this.#backlog.size > 0 && idle < this.#subscribers.length; this.#turn++) {
      const subscriber = this.#subscribers[this.#turn % this.#subscribers.length];
      const room = subscriber?.mute === mute ? subscriber.room : 0;
      if (subscriber === undefined || room === 0) {
        idle++;
        continue;
      }
      idle = 0;
      const share = Math.ceil(this.#backlog.size / this.#subscribers.length);
      const items = this.#backlog.take(Math.min(room, share), subscriber.roomBytes);
      this.#movedAt = this.parts.clock.steady();
      this.#pace.passed(items.length, this.#movedAt);
      this.#dealer.deal(subscriber, items);
    }
  }

  #linger(ms: number): void {
    clearTimeout(this.#lingering);
    this.#lingering = setTimeout(() => {
      this.#release().catch((error: unknown) => this.#complain(error));
    }, ms);
    // A gateway that stopped cannot give the rest of a frame back: the broker does, and nothing must keep the process for it.
    this.#lingering.unref();
  }

  #complain(error: unknown): void {
    this.parts.logger.debug({ error, channel: this.channel.name }, 'a buffer could not be given back');
  }

  /** Nobody here wants more: other gateways may have what is buffered. */
  async #release(): Promise<void> {
    if (this.#wanted) return;
    const intake = this.#intake;
    this.#intake = undefined;
    await intake?.consumer.stop();
    await this.#giveBack();
    if (this.#backlog.size > 0 && !this.#wanted) this.#linger(RELEASE_RETRY_MS);
    else this.#wake();
  }

  async #giveBack(frames = this.#backlog.drain(), patienceMs = GIVE_BACK_MS): Promise<void> {
    this.#releasing = true;
    try {
      await giveBack(frames, this.channel, this.parts.broker, patienceMs, (items) => {
        this.#stayedAt = this.parts.clock.steady();
        this.#putBack(items);
      });
    } finally {
      this.#releasing = false;
    }
    this.#schedulePump();
  }

  #putBack(items: readonly Buffered[]): void {
    this.#backlog.putBack(items.filter((item) => !item.frame.lost));
  }
}
