import type { ChannelId } from '../model/channel.js';
import type { Clock } from '../ports/clock.js';
import type { Logger } from '../ports/logger.js';
import type { Service } from '../ports/service.js';
import type { Channels } from './channels.js';
import { type Delivery, type DeliveryTable, isOver } from './delivery.js';
import type { Dispatcher } from './dispatcher.js';
import type { Settler } from './settle.js';

interface Parts {
  readonly channels: Channels;
  readonly dispatchers: ReadonlyMap<ChannelId, Pick<Dispatcher, 'renew'>>;
  readonly table: DeliveryTable;
  readonly settler: Settler;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface KeeperOptions {
  /** How often all deliveries are looked through. 50,000 take about a millisecond. */
  readonly intervalMs: number;
  /** A hand-out that is settled sooner is never recorded by itself: its settle tells the ledger everything in one row. */
  readonly recordAfterMs: number;
  /** How often the ledger is asked whether a hand-out still counts: its ack may have come by another gateway. */
  readonly askAgainMs: number;
  /** Held for longer, a message moves from the broker to the ledger: brokers end consumers that hold a frame for 30 minutes. */
  readonly moveAfterMs: number;
  /**
   * What waits here for longer goes back to the broker, and comes anew: its frame is as old. A message that is handed out just before
   * stays for `moveAfterMs` more; once its frame is older than both together it moves too, however often it changed hands.
   */
  readonly renewAfterMs: number;
  /** How often the channels and retry policies that other gateways made are learnt, and what waits here is looked through. */
  readonly refreshMs: number;
}

export const KEEPER_DEFAULTS: KeeperOptions = {
  intervalMs: 100,
  recordAfterMs: 500,
  askAgainMs: 2_000,
  moveAfterMs: 600_000,
  renewAfterMs: 600_000,
  refreshMs: 5_000,
};

/** Watches over what consumers hold: records it, ends its lease in time, and keeps the broker from holding anything too long. */
export class Keeper implements Service {
  #timer: NodeJS.Timeout | undefined;
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #busy: Promise<void> | undefined;

  constructor(
    private readonly parts: Parts,
    private readonly options: KeeperOptions = KEEPER_DEFAULTS,
  ) {}

  async start(): Promise<void> {
    this.#timer ??= setInterval(() => {
      this.#busy ??= this.runOnce().finally(() => {
        this.#busy = undefined;
      });
    }, this.options.intervalMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    // A run under way may wait for a ledger that is away: it ends with the ledger, not before.
  }

  async runOnce(): Promise<void> {
    const { clock } = this.parts;
    const { moveAfterMs, renewAfterMs } = this.options;
    const now = clock.now();
    const steady = clock.steady();
    const held: Delivery[] = [];
    const old: Delivery[] = [];
    const over: Delivery[] = [];
    for (const delivery of this.parts.table.values()) {
      const age = steady - delivery.heldSince;
      if (delivery.settling !== undefined || delivery.restsUntil > steady) continue;
      if (isOver(delivery, now, steady)) over.push(delivery);
      else if (delivery.frame === undefined) continue;
      else if (age > moveAfterMs || steady - delivery.frame.arrivedAt > moveAfterMs + renewAfterMs) old.push(delivery);
      else if (
        !delivery.recorded ? age > this.options.recordAfterMs : steady - delivery.recordedAt > this.options.askAgainMs
      ) {
        held.push(delivery);
      }
    }
    const { settler, channels } = this.parts;
    if (steady - this.#refreshedAt >= this.options.refreshMs) {
      this.#refreshedAt = steady;
      channels
        .refresh()
        .catch((error: unknown) => this.parts.logger.debug({ error }, 'channels could not be refreshed'));
      const before = steady - renewAfterMs;
      for (const dispatcher of this.parts.dispatchers.values()) dispatcher.renew(before);
    }
    await Promise.all([
      this.#try('record', held, () => settler.record(held)),
      this.#try('move', old, () => settler.lease(old)),
      this.#try('expire', over, () => settler.expire(over)),
    ]);
  }

  async #try(what: string, deliveries: readonly Delivery[], work: () => Promise<unknown>): Promise<void> {
    if (deliveries.length === 0) return;
    try {
      await work();
    } catch (error) {
      this.parts.logger.warn({ error, what, count: deliveries.length }, 'deliveries could not be kept; trying again');
    }
  }
}
