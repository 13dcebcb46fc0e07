import { attemptNumber } from '../model/attempt.js';
import type { Channel } from '../model/channel.js';
import type { Clock } from '../ports/clock.js';
import type { Telemetry } from '../ports/telemetry.js';
import { Asking } from './asking.js';
import type { Buffered, Delivery, DeliveryTable } from './delivery.js';
import { type ClaimedItem, type Gate, unclaimed } from './gate.js';
import type { NonceSource } from './ids.js';
import { formatReceipt } from './receipt.js';
import type { Subscriber } from './subscriber.js';
import type { Tally } from './tally.js';
import { adopt, type Twin } from './twins.js';

interface Parts {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly table: DeliveryTable;
  readonly nonces: NonceSource;
  readonly tally: Tally;
  readonly gate: Gate;
}

/** Where messages come from, and go back to. */
interface Source {
  /** An operator holds the channel: nothing is handed out. */
  readonly isHeld: () => boolean;
  /** They come first when something is dealt again. */
  readonly takeBack: (items: readonly Buffered[]) => void;
}

/** What waited here for longer is asked about before it is handed out: a copy of it may have been settled by another gateway. */
export const FRESH_MS = 1_000;

/**
 * Hands messages of one channel to its consumers: what is fresh at once; what may have been out before when the ledger lets it pass.
 *
 *   fresh ────────────────────────────▶ out
 *   doubtful ─▶ asked about ─ admitted ─▶ out, or back when its consumer is gone
 *       │            ├─ final, or used up ─▶ over
 *       │            └─ the ledger failed ─▶ back, after a pause
 *       └─ a copy of one that is out, or is asked about ─▶ waits for what becomes of that
 */
export class Dealer {
  readonly #asking = new Asking();

  constructor(
    private readonly channel: Channel,
    private readonly parts: Parts,
    private readonly source: Source,
  ) {}

  /** `items`: no more than the subscriber has room for. */
  deal(subscriber: Subscriber, items: readonly Buffered[]): void {
    const { clock } = this.parts;
    const now = clock.now();
    const steady = clock.steady();
    const isDoubtful = (item: Buffered) => item.verify || steady - item.arrivedAt > FRESH_MS;
    // A pull is answered once: what needs no question goes with what does, or that would be passed over again and again.
    const together = subscriber.kind === 'pull' && items.some(isDoubtful);
    const fresh: Buffered[] = [];
    let doubtful: Buffered[] | undefined;
    let expired: Buffered[] | undefined;
    for (const item of items) {
      if (together || isDoubtful(item)) {
        doubtful ??= [];
        doubtful.push(item);
      } else if (isExpired(item, now)) {
        expired ??= [];
        expired.push(item);
      } else if (!this.#asking.waits(item)) {
        fresh.push(item);
      }
    }
    if (fresh.length > 0) {
      const deliveries = fresh.map((item) => this.#handOut(subscriber, item, now));
      subscriber.take(fresh.length, bytesOf(fresh));
      this.#send(subscriber, deliveries, now);
    }
    if (expired !== undefined) this.parts.gate.expire(this.channel, expired.map(unclaimed), subscriber.name);
    // After what is out now: one of these may be a copy of it.
    if (doubtful !== undefined) this.#doubt(subscriber, doubtful);
  }

  /** Copies of what is out. */
  async adopt(twins: readonly Twin[]): Promise<void> {
    this.source.takeBack(await adopt(twins, this.parts));
  }

  /** Copies of what is out, or is being asked about, wait for what becomes of that; the ledger is asked about the others. */
  #doubt(subscriber: Subscriber, items: readonly Buffered[]): void {
    const twins: Twin[] = [];
    const asked: Buffered[] = [];
    for (const item of items) {
      const held = this.parts.table.find(this.channel, item.message);
      if (held !== undefined) twins.push({ item: { ...item, verify: true }, held });
      else if (!this.#asking.waits(item)) {
        this.#asking.begin(item);
        asked.push(item);
      }
    }
    if (twins.length > 0) void this.adopt(twins);
    if (asked.length === 0) return;
    subscriber.take(asked.length, bytesOf(asked));
    void this.#verify(subscriber, asked);
  }

  #handOut(subscriber: Subscriber, item: Buffered, now: number, claim?: ClaimedItem): Delivery {
    const { message, frame } = item;
    const attempt = claim?.attempt ?? 1;
    const nonce = claim?.nonce ?? this.parts.nonces.next();
    const heldSince = this.parts.clock.steady();
    const delivery: Delivery = {
      channel: this.channel,
      message,
      receipt: formatReceipt('streamed', this.channel, attempt, nonce, message),
      frame,
      attempt,
      nonce,
      consumer: subscriber.name,
      deliveredAt: now,
      subscriber,
      deadline: now + subscriber.leaseMs,
      endsAt: heldSince + subscriber.leaseMs,
      heldSince,
      recorded: claim !== undefined,
      recordedAt: heldSince,
      restsUntil: 0,
      settling: undefined,
    };
    this.parts.table.add(delivery);
    return delivery;
  }

  #send(subscriber: Subscriber, deliveries: Delivery[], now: number): void {
    const { tally, telemetry } = this.parts;
    tally.handedOut(this.channel.id, deliveries.length);
    const { wait } = telemetry.meters;
    for (const { message, attempt } of deliveries) {
      // A retry waited because it was told to.
      if (attempt === 1) wait.observe(Math.max(0, now - message.acceptedAt) / 1000);
    }
    telemetry.watch?.delivered(deliveries);
    subscriber.send(deliveries);
  }

  async #verify(subscriber: Subscriber, items: readonly Buffered[]): Promise<void> {
    await this.#handOutAdmitted(subscriber, items);
    const copies = this.#asking.end(items);
    if (copies.length > 0) this.source.takeBack(copies);
  }

  /** Hands out what the ledger lets pass. */
  async #handOutAdmitted(subscriber: Subscriber, items: readonly Buffered[]): Promise<void> {
    const { gate, clock, tally } = this.parts;
    const admitted = await gate.admit(this.channel, items, subscriber.name);
    if (admitted === undefined) {
      this.source.takeBack(items.map((item) => ({ ...item, verify: true })));
      subscriber.free(items.length, bytesOf(items));
      return;
    }
    const claimed = admitted.filter(({ item }) => !item.frame.lost);
    // What the broker took back meanwhile comes again, and was no attempt.
    const lost = admitted.filter(({ item }) => item.frame.lost);
    if (lost.length > 0) await gate.giveBack(this.channel, lost, subscriber.name);
    if (subscriber.closed || this.source.isHeld()) {
      this.source.takeBack(await gate.giveBack(this.channel, claimed, subscriber.name));
      subscriber.free(items.length, bytesOf(items));
      return;
    }
    const now = clock.now();
    const expired = claimed.filter(({ item }) => isExpired(item, now));
    if (expired.length > 0) gate.expire(this.channel, expired, subscriber.name);
    const living = claimed.filter(({ item }) => !isExpired(item, now));
    if (living.length > 0) {
      const deliveries = living.map((claim) => this.#handOut(subscriber, claim.item, now, claim));
      this.#send(subscriber, deliveries, now);
      const again = living.filter(({ attempt }) => attemptNumber(attempt) > 1).length;
      if (again > 0) tally.redelivered(this.channel.id, again);
    }
    const gone = bytesOf(items) - bytesOf(living.map(({ item }) => item));
    if (living.length < items.length) subscriber.free(items.length - living.length, gone);
  }
}

function bytesOf(items: readonly Buffered[]): number {
  let bytes = 0;
  for (const { message } of items) bytes += message.wire.length;
  return bytes;
}

function isExpired({ message: { expiresAt } }: Buffered, now: number): boolean {
  return expiresAt !== 0 && expiresAt <= now;
}
