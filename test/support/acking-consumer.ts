import { setTimeout as delay } from 'node:timers/promises';
import type { BusClient } from './client.js';
import type { Received, Status } from './client-types.js';
import type { ConsumerOptions, ConsumerStream } from './consumer-stream.js';
import type { SetChecker } from './set-checker.js';

export interface AckingOptions extends ConsumerOptions {
  /** Acks by this gateway, with the unary call; else by the stream that delivered. */
  readonly ackBy?: BusClient;
}

/** Between two tries of what the gateway refuses. */
const AGAIN_MS = 50;

/** Acks all that it gets, tells the checker what was answered, and opens its stream again whenever it breaks. */
export class AckingConsumer {
  readonly #client: BusClient;
  readonly #checker: SetChecker;
  readonly #options: AckingOptions;
  #stream: ConsumerStream | undefined;
  #stopped = false;
  #loop: Promise<void> = Promise.resolve();

  /** Resolves when the channel exists. */
  static async start(
    client: BusClient,
    topic: string,
    channel: string,
    checker: SetChecker,
    options: AckingOptions = {},
  ): Promise<AckingConsumer> {
    const consumer = new AckingConsumer(client, checker, options);
    const open = async () => client.subscribe(topic, channel, options);
    const first = await open();
    consumer.#loop = consumer.#run(first, open);
    return consumer;
  }

  private constructor(client: BusClient, checker: SetChecker, options: AckingOptions) {
    this.#client = client;
    this.#checker = checker;
    this.#options = options;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#stream?.drop();
    await this.#loop;
  }

  async #run(first: ConsumerStream, open: () => Promise<ConsumerStream>): Promise<void> {
    let stream: ConsumerStream | undefined = first;
    while (!this.#stopped) {
      stream ??= await open().catch(() => undefined);
      if (stream === undefined) {
        await delay(AGAIN_MS);
        continue;
      }
      this.#stream = stream;
      // Stopped while it opened.
      if (this.#stopped) await stream.drop();
      this.#consume(stream);
      await stream.ended;
      stream = undefined;
    }
  }

  #consume(stream: ConsumerStream): void {
    stream.listen((batch) => {
      for (const { id } of batch) this.#checker.delivered(id);
      void this.#ack(stream, batch);
    });
  }

  /** An ack that failed may have been written, and the message then never comes again: only the same ack tells, which is safe. */
  async #ack(stream: ConsumerStream, batch: readonly Received[]): Promise<void> {
    const { ackBy } = this.#options;
    const receipts = batch.map(({ receipt }) => receipt);
    const first = ackBy === undefined ? stream.ack(receipts) : ackBy.ack(receipts);
    let statuses = await first.catch(() => undefined);
    while (statuses === undefined && !this.#stopped) {
      statuses = await (ackBy ?? this.#client).ack(receipts).catch(() => delay(AGAIN_MS, undefined));
    }
    if (statuses !== undefined) this.#answered(batch, statuses);
  }

  #answered(batch: readonly Received[], statuses: readonly Status[]): void {
    batch.forEach(({ id }, i) => {
      if (statuses[i] === 'ok') this.#checker.acked(id);
    });
  }
}
