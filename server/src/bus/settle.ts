import { BusError } from '../model/errors.js';
import { type RetryPolicy, retryDelay } from '../model/retry-policy.js';
import type { Clock } from '../ports/clock.js';
import type { Change, Entry, Ledger, Outcome } from '../ports/ledger.js';
import type { ExpiredLease } from '../ports/schedule.js';
import type { Channels } from './channels.js';
import type { Delivery, DeliveryTable, Settling } from './delivery.js';
import { parseReceipt, type Receipt, receiptNonce } from './receipt.js';

export type Action =
  | { readonly kind: 'ack' }
  /** `delayMs` undefined: as the retry policy says. */
  | { readonly kind: 'nack'; readonly delayMs: number | undefined; readonly reason: string }
  /** `leaseMs` undefined: the subscription's own. */
  | { readonly kind: 'extend'; readonly leaseMs: number | undefined }
  | { readonly kind: 'reject'; readonly reason: string };

export type SettleStatus = 'ok' | 'stale' | 'unknown';

interface Parts {
  readonly ledger: Ledger;
  readonly channels: Channels;
  readonly table: DeliveryTable;
  readonly clock: Clock;
  readonly defaultLeaseMs: number;
  /** Messages wait for a retry at this time. */
  readonly scheduled: (dueAt: number) => void;
}

const ACKED: Change = { state: 'acked' };
const DELIVERED: Change = { state: 'delivered' };

/** Brings what consumers decide to the ledger, which alone says whether it counts. Only then is the broker told. */
export class Settler {
  constructor(private readonly parts: Parts) {}

  /** A status for each receipt, in order. Rejects with LEDGER_UNAVAILABLE when the outcome is not known: safe to repeat. */
  async settle(receipts: readonly string[], action: Action): Promise<SettleStatus[]> {
    const statuses: SettleStatus[] = new Array(receipts.length).fill('unknown');
    const now = this.parts.clock.now();
    const here: Delivery[] = [];
    const hereAt: number[] = [];
    const elsewhere: Promise<SettleStatus>[] = [];
    const elsewhereAt: number[] = [];
    for (let i = 0; i < receipts.length; i++) {
      const text = receipts[i] as string;
      const delivery = this.parts.table.get(receiptNonce(text));
      if (delivery === undefined || delivery.receipt !== text) {
        elsewhere.push(this.#settleElsewhere(text, action, now));
        elsewhereAt.push(i);
      } else if (delivery.settling !== undefined) {
        elsewhere.push(joined(delivery, delivery.settling, action));
        elsewhereAt.push(i);
      } else if (delivery.deadline <= now) {
        statuses[i] = 'stale';
      } else if (action.kind === 'extend' && delivery.frame !== undefined) {
        delivery.deadline = now + (action.leaseMs ?? delivery.subscriber.leaseMs);
        statuses[i] = 'ok';
      } else {
        here.push(delivery);
        hereAt.push(i);
      }
    }
    const [outcomes, others] = await Promise.all([
      this.#write(here, action.kind, (delivery) => this.#change(delivery, action, now), now),
      Promise.all(elsewhere),
    ]);
    hereAt.forEach((at, k) => {
      statuses[at] = outcomes[k] ?? 'stale';
    });
    elsewhereAt.forEach((at, k) => {
      statuses[at] = others[k] ?? 'stale';
    });
    return statuses;
  }

  /** Their consumer went away: each counts as an attempt, and those with retries left may be handed out again at once. */
  async abandon(deliveries: readonly Delivery[], reason: string): Promise<Delivery[]> {
    const open = deliveries.filter((delivery) => delivery.settling === undefined);
    const now = this.parts.clock.now();
    const outcomes = await this.#write(open, 'abandon', (delivery) => this.#returned(delivery, reason, now), now);
    return open.filter((delivery, i) => {
      const again =
        outcomes[i] === 'ok' && delivery.frame !== undefined && this.#delay(delivery, delivery.attempt) !== undefined;
      if (!again) delivery.frame?.settleOne();
      return again;
    });
  }

  /** Their lease ended: as a nack by the policy. Those that the ledger holds, it ends by itself (workers/expiry). */
  async expire(deliveries: readonly Delivery[]): Promise<void> {
    const now = this.parts.clock.now();
    const nack: Action = { kind: 'nack', delayMs: undefined, reason: 'lease expired' };
    const ours = deliveries.filter((delivery) => delivery.frame !== undefined);
    for (const delivery of deliveries) if (delivery.frame === undefined) this.#forget(delivery);
    await this.#write(ours, 'expire', (delivery) => this.#change(delivery, nack, now), now);
  }

  /** The same for leases that the ledger holds. */
  async expireLeases(leases: readonly ExpiredLease[]): Promise<void> {
    const now = this.parts.clock.now();
    const entries: Entry[] = [];
    for (const lease of leases) {
      const channel = await this.parts.channels.find(lease.channel);
      if (channel === undefined) continue;
      const change = this.#retry(
        this.parts.channels.retryPolicy(channel),
        lease.attempt,
        undefined,
        'lease expired',
        now,
        undefined,
      );
      entries.push({ ...lease, change, consumer: '', acceptedAt: 0, deliveredAt: 0, recorded: true, at: now });
    }
    if (entries.length > 0) await this.parts.ledger.write(entries);
  }

  /** Tells the ledger of hand-outs that were not settled within a moment. */
  async record(deliveries: readonly Delivery[]): Promise<void> {
    const now = this.parts.clock.now();
    for (const delivery of deliveries) delivery.recorded = true;
    await this.parts.ledger.write(deliveries.map((delivery) => this.#entry(delivery, DELIVERED, now)));
  }

  /** Moves messages from the broker to the ledger, which holds them until the deadline. Answers those that it took. */
  async lease(deliveries: readonly Delivery[]): Promise<Delivery[]> {
    const now = this.parts.clock.now();
    const entries = deliveries.map((delivery) => {
      const { message, deadline } = delivery;
      return this.#entry(
        delivery,
        { state: 'leased', deadline, expiresAt: message.expiresAt, wire: message.wire },
        now,
      );
    });
    const settling: Settling = { kind: 'lease', deliveries, outcomes: this.parts.ledger.write(entries) };
    for (const delivery of deliveries) delivery.settling = settling;
    const outcomes = await this.#answer(settling);
    return deliveries.filter((delivery, i) => {
      delivery.frame?.settleOne();
      delivery.frame = undefined;
      delivery.recorded = true;
      delivery.settling = undefined;
      if (outcomes[i] === 'stale') this.#forget(delivery);
      return outcomes[i] === 'ok';
    });
  }

  /** The ledger alone looks after them from now on. */
  release(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) this.#forget(delivery);
  }

  async #write(
    deliveries: readonly Delivery[],
    kind: Settling['kind'],
    change: (delivery: Delivery) => Change,
    now: number,
  ): Promise<readonly Outcome[]> {
    if (deliveries.length === 0) return [];
    const entries: Entry[] = new Array(deliveries.length);
    for (let i = 0; i < deliveries.length; i++) {
      const delivery = deliveries[i] as Delivery;
      entries[i] = this.#entry(delivery, change(delivery), now);
    }
    const settling: Settling = { kind, deliveries, outcomes: this.parts.ledger.write(entries) };
    for (const delivery of deliveries) delivery.settling = settling;
    const outcomes = await this.#answer(settling);
    for (let i = 0; i < deliveries.length; i++) {
      const delivery = deliveries[i] as Delivery;
      if (kind === 'extend' && outcomes[i] === 'ok') {
        delivery.settling = undefined;
        continue;
      }
      // Abandoned messages may be handed out again: whoever abandons them decides about their frame.
      if (kind !== 'abandon') delivery.frame?.settleOne();
      this.#forget(delivery);
    }
    this.#announce(entries);
    return outcomes;
  }

  async #answer(settling: Settling): Promise<readonly Outcome[]> {
    try {
      return await settling.outcomes;
    } catch (error) {
      for (const delivery of settling.deliveries) delivery.settling = undefined;
      throw error;
    }
  }

  #forget(delivery: Delivery): void {
    if (this.parts.table.remove(delivery)) delivery.subscriber.free(1);
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
      attempt,
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
        delivery.deadline = now + (action.leaseMs ?? delivery.subscriber.leaseMs);
        return { state: 'leased', deadline: delivery.deadline, expiresAt: message.expiresAt };
      case 'nack': {
        const policy = this.parts.channels.retryPolicy(delivery.channel);
        return this.#retry(policy, delivery.attempt, action.delayMs, action.reason, now, wire, message.expiresAt);
      }
    }
  }

  #returned(delivery: Delivery, reason: string, now: number): Change {
    const delay = this.#delay(delivery, delivery.attempt);
    const { message, frame } = delivery;
    if (delay === undefined) return dead(reason, frame === undefined ? undefined : message.wire);
    if (frame !== undefined) return { state: 'returned', reason };
    return { state: 'retry', reason, dueAt: now, expiresAt: message.expiresAt };
  }

  #retry(
    policy: RetryPolicy,
    attempt: number,
    delayMs: number | undefined,
    reason: string,
    now: number,
    wire: Uint8Array | undefined,
    expiresAt = 0,
  ): Change {
    const delay = retryDelay(policy, attempt);
    if (delay === undefined) return dead(reason === '' ? 'nacked' : reason, wire);
    const dueAt = now + (delayMs ?? delay);
    return wire === undefined
      ? { state: 'retry', reason, dueAt, expiresAt }
      : { state: 'retry', reason, dueAt, expiresAt, wire };
  }

  #delay(delivery: Delivery, attempt: number): number | undefined {
    return retryDelay(this.parts.channels.retryPolicy(delivery.channel), attempt);
  }

  /** A receipt of another gateway, of a pulled message, or of something settled before: the ledger knows. */
  async #settleElsewhere(text: string, action: Action, now: number): Promise<SettleStatus> {
    const receipt = parseReceipt(text);
    if (receipt === undefined) return 'unknown';
    const channel = await this.parts.channels.find(receipt.channel);
    if (channel === undefined) return 'unknown';
    // The gateway that streams a message has its body: only it can do more than record that the message is done.
    if (receipt.kind === 'streamed' && action.kind !== 'ack') return 'stale';
    const change = this.#changeByReceipt(receipt, action, this.parts.channels.retryPolicy(channel), now);
    const entry: Entry = {
      channel: receipt.channel,
      topic: receipt.topic === '' ? channel.topic : receipt.topic,
      id: receipt.id,
      nonce: receipt.nonce,
      consumer: '',
      acceptedAt: 0,
      deliveredAt: 0,
      attempt: receipt.attempt,
      change,
      recorded: receipt.kind === 'leased',
      at: now,
    };
    const [outcome] = await this.parts.ledger.write([entry]);
    this.#announce([entry]);
    return outcome ?? 'stale';
  }

  #changeByReceipt(receipt: Receipt, action: Action, policy: RetryPolicy, now: number): Change {
    switch (action.kind) {
      case 'ack':
        return ACKED;
      case 'reject':
        return dead(action.reason, undefined);
      case 'extend':
        return { state: 'leased', deadline: now + (action.leaseMs ?? this.parts.defaultLeaseMs), expiresAt: 0 };
      case 'nack':
        return this.#retry(policy, receipt.attempt, action.delayMs, action.reason, now, undefined);
    }
  }
}

function dead(reason: string, wire: Uint8Array | undefined): Change {
  const text = reason === '' ? 'rejected' : reason;
  return wire === undefined ? { state: 'dead', reason: text } : { state: 'dead', reason: text, wire };
}

/** A settle of something that is being settled: the same one gets the same answer, another came too late. */
async function joined(delivery: Delivery, settling: Settling, action: Action): Promise<SettleStatus> {
  const outcomes = await settling.outcomes.catch((cause: unknown) => {
    throw new BusError('LEDGER_UNAVAILABLE', 'the outcome is not known: settle it again', { cause });
  });
  return settling.kind === action.kind ? (outcomes[settling.deliveries.indexOf(delivery)] ?? 'stale') : 'stale';
}
