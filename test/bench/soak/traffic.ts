import { setTimeout as delay } from 'node:timers/promises';
import type { Bus, Message, Subscription } from '@waybill/sdk';
import { Lateness } from '../lateness.js';

const TOPIC = 'soak';
const CHANNEL = 'work';
const CREDIT = 1_000;
/** Of ten messages in a row, this one is nacked once, and these two are delayed. */
const NACKED = 6;
const DELAYED = [7, 8];
const NACK_MS = 200;
const LEAST_DELAY_MS = 500;
const MOST_DELAY_MS = 5_000;
const DELIVERED_AFTER_MS = 60_000;

interface Open {
  /** When it is due next, Unix milliseconds; 0: now. */
  dueAt: number;
  /** A handler has it. */
  held: boolean;
  nacks: number;
}

/** A mix of everything that a bus does: most messages are acked at once, some are nacked first, some are delayed. */
export class Traffic {
  readonly lateness = new Lateness();
  published = 0;
  acked = 0;
  /** Came while a handler had it, or after its ack. */
  duplicated = 0;
  readonly #bus: Bus;
  readonly #name: string;
  readonly #body: Uint8Array;
  readonly #subscription: Subscription;
  readonly #open = new Map<string, Open>();
  #failure: unknown;

  static async start(bus: Bus, name: string, body: Uint8Array): Promise<Traffic> {
    const traffic = new Traffic(bus, name, body);
    await traffic.#subscription.ready;
    return traffic;
  }

  private constructor(bus: Bus, name: string, body: Uint8Array) {
    this.#bus = bus;
    this.#name = name;
    this.#body = body;
    const onError = (error: unknown) => this.#fail(error);
    const options = { concurrency: CREDIT, credit: CREDIT, settle: 'manual', onError } as const;
    this.#subscription = bus.subscribe(TOPIC, CHANNEL, (message) => this.#handle(message), options);
  }

  /** Published, and not acked yet. */
  get open(): number {
    return this.#open.size;
  }

  get failure(): unknown {
    return this.#failure;
  }

  publish(number: number): void {
    const id = `${this.#name}-${number}`;
    const place = number % 10;
    const dueAt = DELAYED.includes(place) ? Date.now() + delayOf(number) : 0;
    this.#open.set(id, { dueAt, held: false, nacks: place === NACKED ? 1 : 0 });
    this.published++;
    this.#bus
      .publish(TOPIC, this.#body, dueAt === 0 ? { id } : { id, at: new Date(dueAt) })
      .catch((error: unknown) => this.#fail(error));
  }

  /** Resolves when all is acked, or nothing more can be hoped for; answers how many were lost. */
  async finish(): Promise<number> {
    const end = performance.now() + MOST_DELAY_MS + DELIVERED_AFTER_MS;
    while (this.#open.size > 0 && this.#failure === undefined && performance.now() < end) await delay(100);
    await this.#subscription.stop();
    return this.#open.size;
  }

  async #handle(message: Message): Promise<void> {
    const open = this.#open.get(message.id);
    if (open === undefined || open.held) this.duplicated++;
    if (open === undefined) return message.ack();
    if (open.dueAt !== 0) this.lateness.came(open.dueAt);
    open.held = true;
    if (open.nacks > 0) {
      open.nacks--;
      open.dueAt = Date.now() + NACK_MS;
      open.held = false;
      return message.nack({ delay: NACK_MS });
    }
    await message.ack();
    this.#open.delete(message.id);
    this.acked++;
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
  }
}

/** Spread evenly, and the same in every run. */
function delayOf(number: number): number {
  return LEAST_DELAY_MS + ((number * 7_919) % (MOST_DELAY_MS - LEAST_DELAY_MS));
}
