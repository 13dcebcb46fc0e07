import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { toJson } from '@bufbuild/protobuf';
import { Admin, GetMessageResponseSchema } from '@waybill/proto/waybill/v1/admin';
import { type Bus, type ConnectOptions, connect, type Message, type SubscribeOptions } from '@waybill/sdk';
import { AdminClient } from '../support/admin-client.js';
import { SetChecker } from '../support/set-checker.js';
import type { Outcome } from './scenario.js';
import type { Stage } from './stage.js';

export interface TrafficOptions {
  /** Default: `work`. */
  readonly topic?: string;
  /** Messages a second that are tried; what waits for an answer is bounded by `window`. Default: 500. */
  readonly rate?: number;
  /** Publishes that wait for an answer at any time. Default: 200. */
  readonly window?: number;
  readonly bodyBytes?: number;
  readonly connect?: Omit<ConnectOptions, 'url'>;
  readonly subscribe?: SubscribeOptions;
  /** How long a handler works on each message. Default: 0. */
  readonly workMs?: number;
  /** Those that no handler can do: they are nacked whenever they come. */
  readonly poison?: (message: Message) => boolean;
  /** Shares of the messages, 0 to 1, that are no plain publish and ack. Default: none. */
  readonly mix?: Mix;
  /** Called whenever an ack was just asked for. */
  readonly acking?: () => void;
  /** Called when messages were lost, while all is as it was then: what a service says of where they may be. */
  readonly lookAtLost?: () => Promise<string[]>;
}

/** What is handed out before its time makes `finish` reject. */
export interface Mix {
  /** Published with a delay of 1 to 3 s. */
  readonly delayed?: number;
  /** Nacked at the first delivery, to come again after 1 s. */
  readonly nacked?: number;
}

/** An answer that stays away is asked for again, under the same id. */
const CALL_MS = 10_000;
const AGAIN_MS = 50;
const CHANNEL = 'workers';
const NACK_MS = 1_000;
/** Delays are counted in whole milliseconds by another process's clock. */
const CLOCK_MS = 2;

/**
 * A publisher and consumers of the SDK, as users run them, under way until `finish`, and the books of every message.
 * A publish whose outcome is not known is made again under the same id until it is; so is an ack.
 */
export class Traffic {
  readonly checker = new SetChecker();
  /** Publishes that were answered with an error, and made again. */
  failures = 0;
  readonly #options: TrafficOptions;
  readonly #urls: readonly string[];
  readonly #buses: Bus[] = [];
  readonly #acks = new Set<Promise<void>>();
  readonly #publishedAt = new Map<string, number>();
  /** Messages that are not to be handed out before this time. */
  readonly #notBefore = new Map<string, number>();
  #early = 0;
  #paused = false;
  /** What is delivered meanwhile is settled when this resolves. */
  #hold: { readonly over: Promise<void>; readonly end: () => void } | undefined;
  #delayedUnderWay = 0;
  /** Publishes without an answer. */
  readonly #underWay = new Set<Promise<void>>();
  #publishing: Promise<void> = Promise.resolve();
  #stopping = false;
  #closed = false;
  /** Waits for the ack of a message whose publish began after this time. */
  #probe: { readonly since: number; readonly resolve: () => void } | undefined;

  /** Publishes by the first address; a consumer on each. It is stopped when the stage ends. */
  static async start(stage: Stage, urls: readonly string[], options: TrafficOptions = {}): Promise<Traffic> {
    const traffic = new Traffic(urls, options);
    stage.atEnd(() => traffic.#close());
    await traffic.#start();
    return traffic;
  }

  private constructor(urls: readonly string[], options: TrafficOptions) {
    this.#urls = urls;
    this.#options = options;
  }

  /** Resolves when so many more publishes than now were answered OK. */
  async flows(messages: number, limitMs = 60_000): Promise<void> {
    const from = this.checker.report.published;
    await this.checker.until(({ published }) => published >= from + messages, limitMs);
  }

  /** Publishes nothing more until `resume`; resolves when all that was under way is answered. */
  async pause(): Promise<void> {
    this.#paused = true;
    while (this.#underWay.size > 0) await delay(10);
  }

  resume(): void {
    this.#paused = false;
  }

  /** Resolves when every message whose publish was answered was handed out at least once. */
  async delivered(limitMs = 20_000): Promise<void> {
    const end = performance.now() + limitMs;
    while (this.checker.lostIds(Number.POSITIVE_INFINITY).some((id) => this.checker.deliveries(id) === 0)) {
      if (performance.now() > end) throw new Error(`not all was handed out within ${limitMs} ms`);
      await delay(20);
    }
  }

  /** Handlers that begin from now on settle nothing until `letGo`. */
  hold(): void {
    let end = () => {};
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#hold ??= { over, end };
  }

  letGo(): void {
    this.#hold?.end();
    this.#hold = undefined;
  }

  /**
   * To be called when the trouble has just ended. Resolves with the seconds until a message whose publish began after now
   * was acked: the way through the whole bus is open again.
   */
  async recovered(limitMs = 60_000): Promise<number> {
    const since = performance.now();
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`nothing went through within ${limitMs} ms`)), limitMs);
      this.#probe = {
        since,
        resolve() {
          clearTimeout(late);
          resolve();
        },
      };
    });
    return (performance.now() - since) / 1_000;
  }

  /** Stops publishing, waits until every message has ended, and answers the books. */
  async finish(recoveredSeconds: number | null, limitMs = 60_000): Promise<Outcome> {
    this.#stopping = true;
    this.letGo();
    await this.#publishing;
    await this.checker.until(({ lost }) => lost === 0, limitMs).catch(() => {});
    const details = this.checker.report.lost > 0 ? await this.#lookAtLost() : [];
    await Promise.all(this.#acks);
    await this.#close();
    if (this.#early > 0) throw new Error(`${this.#early} deliveries came before their time`);
    return { ...this.checker.report, recoveredSeconds, details };
  }

  async #start(): Promise<void> {
    const { topic = 'work', subscribe } = this.#options;
    for (const url of this.#urls) {
      const bus = await connect({ url, deadline: CALL_MS, ...this.#options.connect });
      this.#buses.push(bus);
      const handler = (message: Message) => this.#handle(bus, message);
      const subscription = bus.subscribe(topic, CHANNEL, handler, {
        concurrency: 100,
        credit: 500,
        settle: 'manual',
        retry: { maxRetries: 1_000, backoff: 0 },
        ...subscribe,
      });
      await subscription.ready;
    }
    const [first] = this.#buses;
    if (first !== undefined) this.#publishing = this.#publish(first, topic);
  }

  async #publish(bus: Bus, topic: string): Promise<void> {
    const { rate = 500, window = 200, bodyBytes = 256 } = this.#options;
    const body = Buffer.alloc(bodyBytes, 'w');
    const under = this.#underWay;
    const start = performance.now();
    for (let sent = 0; !this.#stopping; ) {
      const due = Math.floor(((performance.now() - start) * rate) / 1_000);
      // No catching up after a stand-still: the rate is the most, and the window is what waits.
      for (let room = Math.min(window - under.size, due - sent); room > 0 && !this.#paused; room--) {
        const publishing = this.#publishOne(bus, topic, body, this.#pickDelay(window));
        under.add(publishing);
        void publishing.finally(() => under.delete(publishing));
      }
      sent = due;
      await delay(10);
    }
    await Promise.all(under);
  }

  /** Delayed messages need the ledger: while it is away, they must not take the whole window, for the others go on. */
  #pickDelay(window: number): number {
    const { delayed = 0 } = this.#options.mix ?? {};
    if (this.#delayedUnderWay >= window / 2 || Math.random() >= delayed) return 0;
    return 1_000 + Math.floor(Math.random() * 2_000);
  }

  async #publishOne(bus: Bus, topic: string, body: Uint8Array, delayMs: number): Promise<void> {
    const id = randomUUID();
    const began = performance.now();
    this.#publishedAt.set(id, began);
    if (delayMs > 0) {
      this.#notBefore.set(id, began + delayMs - CLOCK_MS);
      this.#delayedUnderWay++;
    }
    while (!this.#closed) {
      try {
        await bus.publish(topic, body, delayMs > 0 ? { id, delay: delayMs } : { id });
        this.checker.published(id);
        break;
      } catch {
        this.failures++;
        await delay(AGAIN_MS);
      }
    }
    if (delayMs > 0) this.#delayedUnderWay--;
  }

  async #handle(bus: Bus, message: Message): Promise<void> {
    const { id } = message;
    this.checker.delivered(id);
    if (performance.now() < (this.#notBefore.get(id) ?? 0)) this.#early++;
    await this.#hold?.over;
    const { workMs = 0, poison } = this.#options;
    if (workMs > 0) await delay(workMs);
    if (poison?.(message) === true) return this.#nack(bus, message);
    const { nacked = 0 } = this.#options.mix ?? {};
    if (this.checker.deliveries(id) === 1 && Math.random() < nacked) return this.#nack(bus, message);
    const acking = this.#ack(bus, message).finally(() => this.#acks.delete(acking));
    this.#acks.add(acking);
    return acking;
  }

  /** Refused: it comes again by itself. Not known: until it is, the message stays with this consumer, for as long as its lease. */
  async #nack(bus: Bus, message: Message): Promise<void> {
    const from = performance.now();
    let nacked = await message.nack({ delay: NACK_MS }).then(
      () => true,
      () => undefined,
    );
    while (nacked === undefined && !this.#closed) {
      const [result] = await bus.nack(message.receipt, { delay: NACK_MS }).catch(() => delay(AGAIN_MS, []));
      if (result !== undefined) nacked = result.status === 'ok';
    }
    if (nacked) this.#notBefore.set(message.id, from + NACK_MS - CLOCK_MS);
  }

  /**
   * An ack that failed may have been written, and the message then never comes again: only the same ack tells, which is safe.
   * One that is refused comes again.
   */
  async #ack(bus: Bus, message: Message): Promise<void> {
    const answer = message.ack();
    this.#options.acking?.();
    let acked = await answer.then(
      () => true,
      () => undefined,
    );
    while (acked === undefined && !this.#closed) {
      const [result] = await bus.ack(message.receipt).catch(() => delay(AGAIN_MS, []));
      if (result !== undefined) acked = result.status === 'ok';
    }
    if (acked) this.#acked(message.id);
  }

  /** What is known of some of them, for whoever looks for the fault. */
  async #lookAtLost(): Promise<string[]> {
    const { topic = 'work', lookAtLost } = this.#options;
    const admin = new AdminClient(this.#urls[0] ?? '');
    const told: string[] = [];
    for (const id of this.checker.lostIds()) {
      const record = await admin.call(Admin.method.getMessage, { topic, id }).then(
        (answer) => JSON.stringify(toJson(GetMessageResponseSchema, { ...answer, message: undefined })),
        (error: unknown) => String(error),
      );
      told.push(`lost: ${id}, delivered ${this.checker.deliveries(id)} times, in the ledger: ${record}`);
    }
    admin.close();
    return [...told, ...((await lookAtLost?.()) ?? [])];
  }

  #acked(id: string): void {
    this.checker.acked(id);
    const began = this.#publishedAt.get(id);
    this.#publishedAt.delete(id);
    this.#notBefore.delete(id);
    if (this.#probe === undefined || began === undefined || began < this.#probe.since) return;
    this.#probe.resolve();
    this.#probe = undefined;
  }

  async #close(): Promise<void> {
    this.#stopping = true;
    this.#closed = true;
    this.letGo();
    await Promise.all(this.#buses.splice(0).map((bus) => bus.close({ timeout: 5_000 })));
  }
}
