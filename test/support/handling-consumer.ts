import { setTimeout as delay } from 'node:timers/promises';
import type { BusClient } from './client.js';
import type { Received } from './client-types.js';
import type { ConsumerStream } from './consumer-stream.js';
import type { SetChecker } from './set-checker.js';

export interface HandlingOptions {
  readonly credit: number;
  /** How long it works on each message; 0: it acks whatever comes, at once. */
  readonly handleMs: number;
}

/** A consumer that works on what it gets, acks it, and notes how long it had nothing to do. */
export class HandlingConsumer {
  /** Messages whose ack was answered OK. */
  handled = 0;
  /** Each time that it had nothing to do until something came, in milliseconds. */
  readonly hungry: number[] = [];
  readonly #stream: ConsumerStream;
  readonly #checker: SetChecker;
  readonly #handleMs: number;
  #held = 0;
  #emptySince = performance.now();

  static async start(
    client: BusClient,
    topic: string,
    channel: string,
    checker: SetChecker,
    { credit, handleMs }: HandlingOptions,
  ): Promise<HandlingConsumer> {
    return new HandlingConsumer(await client.subscribe(topic, channel, { credit }), checker, handleMs);
  }

  private constructor(stream: ConsumerStream, checker: SetChecker, handleMs: number) {
    this.#stream = stream;
    this.#checker = checker;
    this.#handleMs = handleMs;
    stream.listen((batch) => {
      if (this.#held === 0) this.hungry.push(performance.now() - this.#emptySince);
      this.#held += batch.length;
      for (const { id } of batch) checker.delivered(id);
      void this.#handle(batch);
    });
  }

  async stop(): Promise<void> {
    await this.#stream.drop();
  }

  async #handle(batch: readonly Received[]): Promise<void> {
    if (this.#handleMs > 0) await delay(this.#handleMs);
    const statuses = await this.#stream.ack(batch.map(({ receipt }) => receipt)).catch(() => []);
    statuses.forEach((status, i) => {
      const id = batch[i]?.id;
      if (status !== 'ok' || id === undefined) return;
      this.handled++;
      this.#checker.acked(id);
    });
    this.#held -= batch.length;
    if (this.#held === 0) this.#emptySince = performance.now();
  }
}
