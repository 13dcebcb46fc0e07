import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import type { LoadSettings } from './serve-rounds.js';
import { publishInWindow } from './window.js';

const PERSISTENT = { persistent: true };

/** A durable quorum queue and a channel with confirms: the peer, as one writes it with nothing but amqplib. */
export class RawQueue {
  readonly channel: ConfirmChannel;
  readonly name: string;
  readonly #body: Buffer;
  readonly #window: number;

  static async open({ amqpUrl, topic, bodyBytes, window }: LoadSettings): Promise<RawQueue> {
    const connection: ChannelModel = await connect(amqpUrl);
    const channel = await connection.createConfirmChannel();
    const name = `raw/${topic}`;
    await channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    return new RawQueue(channel, name, Buffer.alloc(bodyBytes, 'A'), window);
  }

  private constructor(channel: ConfirmChannel, name: string, body: Buffer, window: number) {
    this.channel = channel;
    this.name = name;
    this.#body = body;
    this.#window = window;
  }

  publish(confirmed: (error: unknown) => void): void {
    this.channel.sendToQueue(this.name, this.#body, PERSISTENT, confirmed);
  }

  /** Resolves when all are confirmed. */
  publishAll(messages: number): Promise<void> {
    return publishInWindow(messages, this.#window, (confirmed) => this.publish(confirmed));
  }

  /** How many there were. */
  async purge(): Promise<number> {
    return (await this.channel.purgeQueue(this.name)).messageCount;
  }
}
