import { BusError } from '../model/errors.js';
import type { TermsOf } from '../model/search-term.js';
import type { Clock } from '../ports/clock.js';
import type { Change, Entry, Ledger, Outcome } from '../ports/ledger.js';
import type { Logger } from '../ports/logger.js';
import type { ExpiredLease } from '../ports/schedule.js';
import type { Telemetry } from '../ports/telemetry.js';
import {
  ACKED,
  type Action,
  changeByReceipt,
  countOf,
  DELIVERED,
  dead,
  leased,
  type Nack,
  retried,
  returned,
} from './change.js';
import type { Channels } from './channels.js';
import { type Delivery, type DeliveryTable, isOver, type Settling } from './delivery.js';
import { parseReceipt, receiptNonce } from './receipt.js';
import { SettleGroup, settled } from './settling.js';
import type { Tally } from './tally.js';

export type SettleStatus = 'ok' | 'stale' | 'unknown';

interface Parts {
  readonly ledger: Ledger;
  readonly channels: Channels;
  readonly table: DeliveryTable;
  readonly tally: Tally;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly defaultLeaseMs: number;
  readonly termsOf: TermsOf;
  /** Messages wait for a retry at this time. */
  readonly scheduled: (dueAt: number) => void;
}

const LEASE_EXPIRED = 'lease expired';
/** What the ledger cannot take, a message that is too large for it, is brought to it this often. */
const REST_MS = 10_000;
/** What a receipt does not tell of its hand-out. */
const UNKNOWN = { consumer: '', acceptedAt: 0, deliveredAt: 0 } as const;

/** Brings what consumers decide to the ledger, which alone says whether it counts. Only then is the broker told. */
export class Settler {
  constructor(private readonly parts: Parts) {}

  /** A status for each receipt, in order. Rejects with LEDGER_UNAVAILABLE when the outcome is not known: safe to repeat. */
  async settle(receipts: readonly string[], action: Action): Promise<SettleStatus[]> {
    const began = performance.now();
    const statuses: SettleStatus[] = new Array(receipts.length).fill('unknown');
    const { clock } = this.parts;
    const now = clock.now();
    const steady = clock.steady();
    const group = new SettleGroup(action.kind);
    const groupAt: number[] = [];
    const others: Promise<SettleStatus>[] = [];
    const othersAt: number[] = [];
    for (let i = 0; i < receipts.length; i++) {
      const text = receipts[i] as string;
      const delivery = this.parts.table.get(receiptNonce(text));
      delivery?.subscriber.heard();
      if (delivery === undefined || delivery.receipt !== text) {
        others.push(this.#settleElsewhere(text, action, now));
        othersAt.push(i);
      } else if (delivery.settling !== undefined) {
        others.push(this.#settleAfter(delivery.settling, delivery, action));
        othersAt.push(i);
      } else if (isOver(delivery, now, steady)) {
        statuses[i] = 'stale';
      } else if (action.kind === 'extend' && delivery.frame !== undefined) {
        this.#extend(delivery, action.leaseMs, now);
        statuses[i] = 'ok';
      } else {
        group.add(delivery);
        groupAt.push(i);
      }
    }
    const [outcomes, answers] = await Promise.all([
      this.#write(group, (delivery) => this.#change(delivery, action, now), now),
      Promise.all(others),
    ]);
    groupAt.forEach((at, k) => {
      statuses[at] = outcomes[k] ?? 'stale';
    });
    othersAt.forEach((at, k) => {
      statuses[at] = answers[k] ?? 'stale';
    });
    this.parts.telemetry.meters.settle.observe((performance.now() - began) / 1000, receipts.length);
    return statuses;
  }

  /** Their consumer went away: each counts as an attempt. Answers those that may be handed out again at once. */
  async abandon(deliveries: readonly Delivery[], reason: string): Promise<Delivery[]> {
    await Promise.all(
      deliveries.map(({ settling }) => (settling !== undefined && !ends(settling) ? settled(settling) : undefined)),
    );
    const now = this.parts.clock.now();
    // Decided once: by the time that the ledger has answered, the retry policy may be another.
    const again = new Set<Delivery>();
    const change = (delivery: Delivery) => {
      const written = returned(this.parts.channels.retryPolicy(delivery.channel), delivery, reason, now);
      if (written.state === 'returned') again.add(delivery);
      return written;
    };
    const outcomes = await this.#writeApart('abandon', deliveries, change, now);
    return [...outcomes.keys()].filter((delivery) => {
      const free = outcomes.get(delivery) === 'ok' && again.has(delivery);
      if (!free) delivery.frame?.settleOne();
      return free;
    });
  }

  /** Their lease ended: as a nack by the policy. Those that the ledger holds, it ends by itself (workers/expiry). */
  async expire(deliveries: readonly Delivery[]): Promise<void> {
    const now = this.parts.clock.now();
    const nack: Nack = { kind: 'nack', delayMs: undefined, reason: LEASE_EXPIRED };
    for (const delivery of deliveries) {
      delivery.subscriber.lapsed();
      if (delivery.frame === undefined) this.parts.table.remove(delivery);
    }
    const outcomes = await this.#writeApart('expire', deliveries, (delivery) => this.#change(delivery, nack, now), now);
    this.parts.tally.leasesExpired += taken(outcomes).length;
  }

  /** The same for leases that the ledger holds. */
  async expireLeases(leases: readonly ExpiredLease[]): Promise<void> {
    const now = this.parts.clock.now();
    const entries: Entry[] = [];
    for (const lease of leases) {
      const channel = await this.parts.channels.find(lease.channel);
      if (channel === undefined) continue;
      const { deadline, aliased, ...handOut } = lease;
      const policy = this.parts.channels.retryPolicy(channel);
      // Aliases are for the clients of event-bus, whose contract knows one delay for this: the lease.
      const nack: Nack = { kind: 'nack', delayMs: aliased ? 0 : undefined, reason: LEASE_EXPIRED };
      const change = retried(policy, lease.attempt, nack, now);
      entries.push({ ...handOut, ...UNKNOWN, change, recorded: true, at: now, leaseEnd: deadline });
    }
    if (entries.length === 0) return;
    const outcomes = await this.parts.ledger.write(entries);
    this.parts.tally.leasesExpired += outcomes.filter((outcome) => outcome === 'ok').length;
    this.parts.tally.settled(entries, outcomes);
  }

  /**
   * Tells the ledger of hand-outs that are still going on. One that is over, because another gateway took the ack or the message,
   * makes room for the next.
   */
  async record(deliveries: readonly Delivery[]): Promise<void> {
    const now = this.parts.clock.now();
    for (const delivery of deliveries) {
      delivery.recorded = true;
      delivery.recordedAt = this.parts.clock.steady();
    }
    const outcomes = await this.parts.ledger.write(deliveries.map((delivery) => this.#entry(delivery, DELIVERED, now)));
    deliveries.forEach((delivery, i) => {
      if (outcomes[i] === 'ok' || !this.#isOpen(delivery)) return;
      delivery.frame?.settleOne();
      this.parts.table.remove(delivery);
    });
  }

  /** Moves messages from the broker to the ledger, which holds them until the deadline. Answers those that it took. */
  async lease(deliveries: readonly Delivery[], aliases?: ReadonlyMap<Delivery, string>): Promise<Delivery[]> {
    const now = this.parts.clock.now();
    const steady = this.parts.clock.steady();
    const change = (delivery: Delivery) => {
      // What is left of the lease, by the clock that counts from now on.
      delivery.deadline = now + Math.max(0, delivery.endsAt - steady);
      return leased(delivery, aliases?.get(delivery));
    };
    return taken(await this.#writeApart('lease', deliveries, change, now));
  }

  /** The ledger alone looks after them from now on. */
  release(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) this.parts.table.remove(delivery);
  }

  /** They were leased for a caller that had gone: others may have them at once, and no attempt is used. */
  async giveBack(deliveries: readonly Delivery[]): Promise<void> {
    const now = this.parts.clock.now();
    const reason = 'not handed out';
    const entries = deliveries.map((delivery) => {
      const { expiresAt } = delivery.message;
      return this.#entry(delivery, { state: 'retry', reason, dueAt: now, expiresAt, unused: true }, now);
    });
    await this.parts.ledger.write(entries);
    this.parts.scheduled(now);
  }

  /** Writes a group, and draws the consequences of each outcome. */
  async #write(group: SettleGroup, change: (delivery: Delivery) => Change, now: number): Promise<readonly Outcome[]> {
    const { kind, deliveries } = group;
    if (deliveries.length === 0) return [];
    const entries: Entry[] = new Array(deliveries.length);
    for (let i = 0; i < deliveries.length; i++) {
      const delivery = deliveries[i] as Delivery;
      entries[i] = this.#entry(delivery, change(delivery), now);
    }
    const settled = this.parts.telemetry.watch?.settling(kind, deliveries);
    let outcomes: readonly Outcome[];
    try {
      outcomes = await this.parts.ledger.write(entries);
      settled?.(outcomes);
    } catch (error) {
      settled?.(undefined);
      group.fail(error);
      throw error;
    }
    for (let i = 0; i < deliveries.length; i++) this.#conclude(kind, deliveries[i] as Delivery, outcomes[i] === 'ok');
    group.answer(outcomes);
    this.parts.tally.settled(entries, outcomes);
    this.#announce(entries);
    return outcomes;
  }

  /**
   * Writes those that are out in one group; when the ledger refuses that, each by itself, so that one that it cannot take does not keep
   * the others. Answers the outcomes of those that were written. Rejects when none was; what was refused rests for a while.
   */
  async #writeApart(
    kind: Settling['kind'],
    deliveries: readonly Delivery[],
    change: (delivery: Delivery) => Change,
    now: number,
  ): Promise<Map<Delivery, Outcome>> {
    const open = deliveries.filter((delivery) => this.#isOpen(delivery));
    try {
      const outcomes = await this.#write(new SettleGroup(kind, open), change, now);
      return new Map(open.map((delivery, i) => [delivery, outcomes[i] ?? 'stale']));
    } catch (error) {
      if (BusError.from(error).retryable) throw error;
      const [only] = open;
      if (only !== undefined && open.length === 1) {
        only.restsUntil = this.parts.clock.steady() + REST_MS;
        throw error;
      }
      const each = await Promise.allSettled(open.map((delivery) => this.#writeApart(kind, [delivery], change, now)));
      const refused = open.filter((_, i) => each[i]?.status === 'rejected');
      if (refused.length === open.length) throw error;
      this.#complain(kind, refused, error);
      return new Map(each.flatMap((one) => (one.status === 'fulfilled' ? [...one.value] : [])));
    }
  }

  #complain(kind: Settling['kind'], refused: readonly Delivery[], error: unknown): void {
    if (refused.length === 0) return;
    const ids = refused.slice(0, 5).map(({ message }) => message.id);
    const fields = { error, what: kind, count: refused.length, channel: refused[0]?.channel.name, ids };
    this.parts.logger.warn(fields, 'the ledger cannot take some messages; trying again');
  }

  #conclude(kind: Settling['kind'], delivery: Delivery, ok: boolean): void {
    // Abandoned messages may be handed out again: whoever abandons them decides about their frame.
    if (kind !== 'abandon' && kind !== 'extend') delivery.frame?.settleOne();
    if (ok && (kind === 'lease' || kind === 'extend')) {
      delivery.frame = undefined;
      delivery.recorded = true;
      delivery.settling = undefined;
    } else {
      this.parts.table.remove(delivery);
    }
  }

  #extend(delivery: Delivery, leaseMs: number | undefined, now: number): void {
    const ms = leaseMs ?? delivery.subscriber.leaseMs;
    delivery.deadline = now + ms;
    delivery.endsAt = this.parts.clock.steady() + ms;
  }

  /** Still out, and nobody is settling it. */
  #isOpen(delivery: Delivery): boolean {
    return delivery.settling === undefined && this.parts.table.get(delivery.nonce) === delivery;
  }

  /** A settle of something that is being settled: the same one gets the same answer, another comes too late, or waits. */
  async #settleAfter(settling: Settling, delivery: Delivery, action: Action): Promise<SettleStatus> {
    if (settling.kind === action.kind) {
      const outcomes = await settling.outcomes;
      return outcomes[settling.deliveries.indexOf(delivery)] ?? 'stale';
    }
    if (ends(settling)) return 'stale';
    await settled(settling);
    const [status] = await this.settle([delivery.receipt], action);
    return status ?? 'stale';
  }

  #announce(entries: readonly Entry[]): void {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { change } of entries) if (change.state === 'retry' && change.dueAt < earliest) earliest = change.dueAt;
    if (earliest !== Number.POSITIVE_INFINITY) this.parts.scheduled(earliest);
  }

  #entry(delivery: Delivery, change: Change, at: number): Entry {
    const { channel, message, attempt, nonce, consumer, deliveredAt, frame } = delivery;
    // A message that the ledger holds is settled as by a stranger: by its record alone.
    const held = frame === undefined;
    return {
      channel: channel.id,
      topic: message.topic,
      id: message.id,
      nonce,
      consumer,
      acceptedAt: held ? 0 : message.acceptedAt,
      deliveredAt,
      terms: held ? undefined : this.parts.termsOf(message),
      attempt: countOf(attempt, change),
      change,
      recorded: held,
      at,
    };
  }

  #change(delivery: Delivery, action: Action, now: number): Change {
    const { message, frame } = delivery;
    const wire = frame === undefined ? undefined : message.wire;
    switch (action.kind) {
      case 'ack':
        return ACKED;
      case 'reject':
        return dead(action.reason, wire);
      case 'extend':
        this.#extend(delivery, action.leaseMs, now);
        return { state: 'leased', deadline: delivery.deadline, expiresAt: message.expiresAt };
      case 'nack': {
        const policy = this.parts.channels.retryPolicy(delivery.channel);
        return retried(policy, delivery.attempt, action, now, wire, message.expiresAt);
      }
    }
  }

  /** A receipt of another gateway, of a pulled message, or of something settled before: the ledger knows. */
  async #settleElsewhere(text: string, action: Action, now: number): Promise<SettleStatus> {
    const receipt = parseReceipt(text);
    if (receipt === undefined) return 'unknown';
    const channel = await this.parts.channels.find(receipt.channel);
    if (channel === undefined) return 'unknown';
    // The gateway that streams a message has its body: only it can do more than record that the message is done.
    if (receipt.kind === 'streamed' && action.kind !== 'ack') return 'stale';
    const { channels, defaultLeaseMs } = this.parts;
    const change = changeByReceipt(receipt, action, channels.retryPolicy(channel), now, defaultLeaseMs);
    const entry: Entry = {
      channel: receipt.channel,
      topic: receipt.topic === '' ? channel.topic : receipt.topic,
      id: receipt.id,
      nonce: receipt.nonce,
      ...UNKNOWN,
      attempt: countOf(receipt.attempt, change),
      change,
      recorded: receipt.kind === 'leased',
      at: now,
    };
    const settled = this.parts.telemetry.watch?.settling(action.kind, [receipt]);
    const outcomes = await this.parts.ledger.write([entry]);
    settled?.(outcomes);
    this.parts.tally.settled([entry], outcomes);
    this.#announce([entry]);
    return outcomes[0] ?? 'stale';
  }
}

function taken(outcomes: ReadonlyMap<Delivery, Outcome>): Delivery[] {
  return [...outcomes.keys()].filter((delivery) => outcomes.get(delivery) === 'ok');
}

/** Whether it ends the delivery, or only prolongs it. */
function ends({ kind }: Settling): boolean {
  return kind !== 'extend' && kind !== 'lease';
}
