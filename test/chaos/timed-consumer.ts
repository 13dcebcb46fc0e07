import { randomUUID } from 'node:crypto';
import type { BusClient } from '../support/client.js';
import type { Received } from '../support/client-types.js';
import type { ConsumerStream } from '../support/consumer-stream.js';
import { SetChecker } from '../support/set-checker.js';
import { needNone } from './need.js';
import type { WallClock } from './wall-clock.js';

const TOPIC = 'timed';
const CHANNEL = 'workers';
/** For a machine that is busy: a clock that is set shows as an hour, how late messages are on a calm day is measured elsewhere. */
const LATE_MS = 5_000;

interface Came {
  readonly id: string;
  /** How long after its time, by the gateway's wall clock. */
  readonly lateMs: number;
}

/** Schedules messages by a gateway's wall clock, acks them as they come, and knows what came early or late by that clock. */
export class TimedConsumer {
  readonly checker = new SetChecker();
  readonly #client: BusClient;
  readonly #wall: WallClock;
  readonly #dueAt = new Map<string, number>();
  readonly #came = new Map<string, Came>();

  static async start(client: BusClient, wall: WallClock): Promise<TimedConsumer> {
    const stream = await client.subscribe(TOPIC, CHANNEL, { credit: 1_000 });
    return new TimedConsumer(client, wall, stream);
  }

  private constructor(client: BusClient, wall: WallClock, stream: ConsumerStream) {
    this.#client = client;
    this.#wall = wall;
    stream.listen((batch) => void this.#handle(stream, batch));
  }

  /** So many messages, due one after the other between these times from now. Answers their ids. */
  async schedule(count: number, fromMs: number, toMs: number): Promise<string[]> {
    const now = this.#wall.now();
    const messages = Array.from({ length: count }, (_, i) => {
      const dueTimeMs = Math.round(now + fromMs + ((toMs - fromMs) * i) / count);
      return { topic: TOPIC, id: randomUUID(), dueTimeMs };
    });
    for (const { id, dueTimeMs } of messages) this.#dueAt.set(id, dueTimeMs);
    for (const { id } of await this.#client.publish(messages)) this.checker.published(id);
    return messages.map(({ id }) => id);
  }

  /** Resolves when they have all come. */
  async came(ids: readonly string[], limitMs: number): Promise<void> {
    await this.checker.until(() => ids.every((id) => this.#came.has(id)), limitMs);
  }

  /** The same, and none may be later than a machine that is busy makes it. */
  async cameInTime(ids: readonly string[], limitMs: number): Promise<void> {
    await this.came(ids, limitMs);
    const late = ids.flatMap((id) => this.#came.get(id) ?? []).filter(({ lateMs }) => lateMs > LATE_MS);
    needNone(
      late.map(({ lateMs }) => `${lateMs} ms`),
      'messages came late',
    );
  }

  haveNotCome(ids: readonly string[]): void {
    needNone(
      ids.filter((id) => this.#came.has(id)),
      'messages came before their time',
    );
  }

  neverEarly(): void {
    const early = [...this.#came.values()].filter(({ lateMs }) => lateMs < 0);
    needNone(
      early.map(({ lateMs }) => `${-lateMs} ms`),
      'messages came before their time',
    );
  }

  async #handle(stream: ConsumerStream, batch: readonly Received[]): Promise<void> {
    for (const { id, at } of batch) {
      this.#came.set(id, { id, lateMs: this.#wall.latest(at) - (this.#dueAt.get(id) ?? 0) });
      this.checker.delivered(id);
    }
    // The gateway goes with the scenario; in the midst of it, what was not acked shows in the books.
    const statuses = await stream.ack(batch.map(({ receipt }) => receipt)).catch(() => []);
    batch.forEach(({ id }, i) => {
      if (statuses[i] === 'ok') this.checker.acked(id);
    });
  }
}
