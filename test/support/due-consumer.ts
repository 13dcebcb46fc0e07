import { randomUUID } from 'node:crypto';
import type { BusClient } from './client.js';
import type { ConsumerStream } from './consumer-stream.js';
import { SetChecker } from './set-checker.js';

const TOPIC = 'orders';
const CHANNEL = 'billing';
const BATCH = 500;

/** Schedules messages, acks them as they come, and notes how late each came. */
export class DueConsumer {
  readonly checker = new SetChecker();
  readonly #dueAt = new Map<string, number>();
  readonly #lateness: number[] = [];
  readonly #stream: ConsumerStream;

  static async start(client: BusClient): Promise<DueConsumer> {
    return new DueConsumer(await client.subscribe(TOPIC, CHANNEL, { credit: 1_000 }));
  }

  private constructor(stream: ConsumerStream) {
    this.#stream = stream;
    stream.listen((batch) => {
      for (const { id, at } of batch) {
        this.#lateness.push(at - (this.#dueAt.get(id) ?? 0));
        this.checker.delivered(id);
      }
      const receipts = batch.map(({ receipt }) => receipt);
      void stream.ack(receipts).then((statuses) => {
        batch.forEach(({ id }, i) => {
          if (statuses[i] === 'ok') this.checker.acked(id);
        });
      });
    });
  }

  /** Messages that are due one after the other, from the one time to the other, in Unix milliseconds. */
  async schedule(client: BusClient, count: number, fromMs: number, toMs: number): Promise<void> {
    const messages = Array.from({ length: count }, (_, i) => {
      const dueTimeMs = Math.round(fromMs + ((toMs - fromMs) * i) / count);
      return { topic: TOPIC, id: randomUUID(), dueTimeMs, body: 'x'.repeat(256) };
    });
    for (const { id, dueTimeMs } of messages) this.#dueAt.set(id, dueTimeMs);
    for (let at = 0; at < count; at += BATCH) {
      for (const { id } of await client.publish(messages.slice(at, at + BATCH))) this.checker.published(id);
    }
  }

  /** Milliseconds between due and delivered, lowest first; what came since the last question. */
  takeLateness(): number[] {
    return this.#lateness.splice(0).sort((a, b) => a - b);
  }

  async stop(): Promise<void> {
    await this.#stream.drop();
  }
}
