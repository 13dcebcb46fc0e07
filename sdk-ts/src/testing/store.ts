import { create } from '@bufbuild/protobuf';
import { type AckRequest, PublishOutcome, SettleStatus } from '@waybill/proto/waybill/v1/bus';
import { type Delivery, DeliverySchema, type Message } from '@waybill/proto/waybill/v1/message';

/** Who takes deliveries of a channel. */
export interface Taker {
  readonly leaseMs: number;
  readonly credit: number;
  /** Counted by the store. */
  held: number;
  deliver(deliveries: Delivery[]): void;
}

interface Waiting {
  readonly message: Message;
  readonly attempt: number;
}

interface Held extends Waiting {
  readonly channel: Channel;
  readonly taker: Taker | undefined;
  deadline: number;
}

export interface Channel {
  queue: Waiting[];
  readonly takers: Set<Taker>;
}

export interface Settled {
  readonly kind: 'ack' | 'nack' | 'extend' | 'reject';
  readonly id: string;
  readonly reason: string;
  readonly delayMs: number | undefined;
}

/** Messages, channels and leases in memory, by the rules of `waybill.v1.Bus`, as far as a client can tell. */
export class Store {
  /** What was settled, in order. */
  readonly settled: Settled[] = [];
  /** How many leases have ended by themselves. */
  expired = 0;
  readonly #channels = new Map<string, Map<string, Channel>>();
  readonly #accepted = new Map<string, Set<string>>();
  readonly #parked = new Map<string, Message[]>();
  readonly #scheduled = new Map<string, { message: Message; due: number }>();
  readonly #held = new Map<string, Held>();
  readonly #over = new Map<string, 'settled' | 'lost'>();
  readonly #timer = setInterval(() => this.#tick(Date.now()), 10);
  #receipts = 0;

  /** Every message that was accepted on a topic, once. */
  accepted(topic: string): string[] {
    return [...(this.#accepted.get(topic) ?? [])];
  }

  held(): number {
    return this.#held.size;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  publish(message: Message): PublishOutcome {
    let ids = this.#accepted.get(message.topic);
    if (ids === undefined) {
      ids = new Set();
      this.#accepted.set(message.topic, ids);
    }
    if (ids.has(message.id)) return PublishOutcome.DUPLICATE;
    ids.add(message.id);
    message.publishTimeMs = BigInt(Date.now());
    const due = message.dueTimeMs > 0n ? Number(message.dueTimeMs) : Date.now() + Number(message.delayMs);
    if (due > Date.now()) {
      this.#scheduled.set(`${message.topic}/${message.id}`, { message, due });
      return PublishOutcome.SCHEDULED;
    }
    return this.#route(message);
  }

  cancel(topic: string, id: string): boolean {
    return this.#scheduled.delete(`${topic}/${id}`);
  }

  reschedule(topic: string, id: string, due: number): boolean {
    const waiting = this.#scheduled.get(`${topic}/${id}`);
    if (waiting !== undefined) waiting.due = due;
    return waiting !== undefined;
  }

  channel(topic: string, name: string): Channel {
    let channels = this.#channels.get(topic);
    if (channels === undefined) {
      channels = new Map();
      this.#channels.set(topic, channels);
    }
    let channel = channels.get(name);
    if (channel === undefined) {
      channel = { queue: [], takers: new Set() };
      channels.set(name, channel);
    }
    const parked = this.#parked.get(topic) ?? [];
    this.#parked.delete(topic);
    for (const message of parked) channel.queue.push({ message, attempt: 1 });
    return channel;
  }

  join(channel: Channel, taker: Taker): void {
    channel.takers.add(taker);
    this.pump(channel);
  }

  /** What the taker held goes back at once. */
  leave(channel: Channel, taker: Taker): void {
    channel.takers.delete(taker);
    for (const [receipt, held] of this.#held) if (held.taker === taker) this.#giveBack(receipt, held);
    this.pump(channel);
  }

  /** Takes for a pull: leased by nobody in particular. */
  take(channel: Channel, most: number, leaseMs: number, taker?: Taker): Delivery[] {
    const deadline = Date.now() + leaseMs;
    const taken = channel.queue.splice(0, most);
    if (taker !== undefined) taker.held += taken.length;
    return taken.map(({ message, attempt }) => {
      const receipt = `r${++this.#receipts}/${message.id}`;
      this.#held.set(receipt, { message, attempt, channel, taker, deadline });
      return create(DeliverySchema, { receipt, message, attempt, leaseDeadlineMs: BigInt(deadline) });
    });
  }

  pump(channel: Channel): void {
    for (const taker of channel.takers) {
      if (channel.queue.length === 0) return;
      const free = taker.credit - taker.held;
      if (free > 0) taker.deliver(this.take(channel, free, taker.leaseMs, taker));
    }
  }

  ack({ receipts }: Pick<AckRequest, 'receipts'>): SettleStatus[] {
    return this.#settle('ack', receipts, '', undefined, () => {});
  }

  reject(receipts: readonly string[], reason: string): SettleStatus[] {
    return this.#settle('reject', receipts, reason, undefined, () => {});
  }

  nack(receipts: readonly string[], delayMs: number | undefined, reason: string): SettleStatus[] {
    return this.#settle('nack', receipts, reason, delayMs, ({ channel, message, attempt }) => {
      setTimeout(() => {
        channel.queue.push({ message, attempt: attempt + 1 });
        this.pump(channel);
      }, delayMs ?? 0).unref();
    });
  }

  extend(receipts: readonly string[], leaseMs: number): SettleStatus[] {
    return receipts.map((receipt) => {
      const held = this.#held.get(receipt);
      if (held === undefined) return this.#over.has(receipt) ? SettleStatus.STALE : SettleStatus.UNKNOWN;
      held.deadline = Date.now() + leaseMs;
      this.settled.push({ kind: 'extend', id: held.message.id, reason: '', delayMs: undefined });
      return SettleStatus.OK;
    });
  }

  #settle(
    kind: Settled['kind'],
    receipts: readonly string[],
    reason: string,
    delayMs: number | undefined,
    then: (held: Held) => void,
  ): SettleStatus[] {
    const channels = new Set<Channel>();
    const statuses = receipts.map((receipt) => {
      const held = this.#held.get(receipt);
      if (held === undefined) {
        const over = this.#over.get(receipt);
        // Settled twice the same way answers OK twice, as a repeated ledger entry does.
        if (over === 'settled') return SettleStatus.OK;
        return over === 'lost' ? SettleStatus.STALE : SettleStatus.UNKNOWN;
      }
      this.#held.delete(receipt);
      this.#over.set(receipt, 'settled');
      if (held.taker !== undefined) held.taker.held--;
      this.settled.push({ kind, id: held.message.id, reason, delayMs });
      channels.add(held.channel);
      then(held);
      return SettleStatus.OK;
    });
    for (const channel of channels) this.pump(channel);
    return statuses;
  }

  #route(message: Message): PublishOutcome {
    const channels = this.#channels.get(message.topic);
    if (channels === undefined) {
      const parked = this.#parked.get(message.topic) ?? [];
      this.#parked.set(message.topic, parked);
      parked.push(message);
      return PublishOutcome.PARKED;
    }
    for (const channel of channels.values()) {
      channel.queue.push({ message, attempt: 1 });
      this.pump(channel);
    }
    return PublishOutcome.ACCEPTED;
  }

  #giveBack(receipt: string, { channel, message, attempt, taker }: Held): void {
    if (taker !== undefined) taker.held--;
    this.#held.delete(receipt);
    this.#over.set(receipt, 'lost');
    channel.queue.push({ message, attempt: attempt + 1 });
  }

  #tick(now: number): void {
    for (const [receipt, held] of this.#held) {
      if (held.deadline > now) continue;
      this.expired++;
      this.#giveBack(receipt, held);
      this.pump(held.channel);
    }
    for (const [key, { message, due }] of this.#scheduled) {
      if (due > now) continue;
      this.#scheduled.delete(key);
      this.#route(message);
    }
  }
}
