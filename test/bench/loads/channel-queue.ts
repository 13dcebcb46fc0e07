import { type Channel, connect } from 'amqplib';
import type { LoadSettings } from './serve-rounds.js';

/** The broker's queue behind a channel of the cluster engine, emptied between rounds so that all of them begin alike. */
export class ChannelQueue {
  readonly #channel: Channel;
  readonly #name: string;

  static async open({ amqpUrl, queue }: LoadSettings): Promise<ChannelQueue> {
    const connection = await connect(amqpUrl);
    const channel = await connection.createChannel();
    return new ChannelQueue(channel, queue);
  }

  private constructor(channel: Channel, name: string) {
    this.#channel = channel;
    this.#name = name;
  }

  /** Throws when there was nothing: then the messages went elsewhere. */
  async empty(): Promise<void> {
    const { messageCount } = await this.#channel.purgeQueue(this.#name);
    if (messageCount === 0) throw new Error(`nothing was routed to the queue ${this.#name}`);
  }
}
