import { BusError } from '../model/errors.js';
import type { Action } from './change.js';
import type { ClientShares } from './client-share.js';
import type { Delivery, DeliveryTable } from './delivery.js';
import type { Dispatcher } from './dispatcher.js';
import type { Settler, SettleStatus } from './settle.js';
import type { Subscriber } from './subscriber.js';

export interface SubscriptionOptions {
  /** Who consumes, for the ledger. */
  readonly consumer: string;
  readonly leaseMs: number;
  readonly credit: number;
  /** Whose limits count: consumers of one client share them. */
  readonly client: string;
}

/** One consumer's stream: opened on a channel, given credit, closed once. */
export class Subscription {
  readonly #subscriber: Subscriber;
  #closed = false;

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly settler: Settler,
    private readonly table: DeliveryTable,
    private readonly shares: ClientShares,
    private readonly options: SubscriptionOptions,
    send: (deliveries: Delivery[]) => void,
  ) {
    const { consumer, leaseMs, credit, client } = options;
    const share = shares.join(client);
    try {
      this.#subscriber = dispatcher.subscribe({ name: consumer, leaseMs, credit, share }, send);
    } catch (error) {
      shares.leave(client);
      throw error;
    }
  }

  setCredit(credit: number): void {
    this.#subscriber.credit = credit;
    this.#subscriber.heard();
  }

  /** While its transport is full it is given nothing. */
  set paused(paused: boolean) {
    this.#subscriber.paused = paused;
  }

  /** Messages that it holds. */
  get held(): number {
    return this.#subscriber.outstanding;
  }

  async settle(receipts: readonly string[], action: Action): Promise<SettleStatus[]> {
    if (this.#closed) throw new BusError('NOT_OPEN', 'the stream is closed');
    this.#subscriber.heard();
    return this.settler.settle(receipts, action);
  }

  /** Gets nothing more, and may still settle what it holds. */
  quiesce(): void {
    this.dispatcher.quiesce(this.#subscriber);
  }

  /** What it holds goes to others at once, each message with one attempt used. */
  async close(reason: string): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.dispatcher.unsubscribe(this.#subscriber);
    this.shares.leave(this.options.client);
    const held: Delivery[] = [];
    for (const delivery of this.table.values()) if (delivery.subscriber === this.#subscriber) held.push(delivery);
    if (held.length === 0) return;
    const again = await this.settler.abandon(held, reason);
    this.dispatcher.takeBack(
      again.flatMap(({ message, frame }) =>
        frame === undefined ? [] : [{ message, frame, arrivedAt: 0, verify: true }],
      ),
    );
  }
}
