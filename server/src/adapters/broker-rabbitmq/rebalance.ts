import { randomUUID } from 'node:crypto';
import type { Channel as AmqpChannel, ChannelModel } from 'amqplib';
import type { ChannelId } from '../../model/channel.js';
import type { Logger } from '../../ports/logger.js';
import type { Rebalance } from '../../ports/rebalance.js';
import { HealingChannel } from './channel.js';

/**
 * A fanout exchange, `<prefix>.rebalance`, with a queue for every gateway that lives as long as its connection. Words are said
 * on the publishing connection and heard on the consuming one: an alarm of the broker would stop a connection that does both.
 */
export class RabbitRebalance implements Rebalance {
  readonly #exchange: string;
  readonly #gateway = randomUUID();
  readonly #hearing: HealingChannel<AmqpChannel>;
  readonly #saying: HealingChannel<AmqpChannel>;
  #open: AmqpChannel | undefined;
  #listener: (channels: readonly ChannelId[]) => void = () => {};

  constructor(prefix: string, logger: Logger) {
    this.#exchange = `${prefix}.rebalance`;
    this.#hearing = new HealingChannel<AmqpChannel>(
      {
        purpose: 'hear of hungry gateways',
        create: (model) => model.createChannel(),
        setup: (channel) => this.#listen(channel),
        opened: () => undefined,
        closed: () => undefined,
      },
      logger,
    );
    this.#saying = new HealingChannel<AmqpChannel>(
      {
        purpose: 'say that consumers are hungry',
        create: (model) => model.createChannel(),
        setup: (channel) => this.#declare(channel),
        opened: (channel) => {
          this.#open = channel;
        },
        closed: () => {
          this.#open = undefined;
        },
      },
      logger,
    );
  }

  hearingUp(model: ChannelModel): Promise<void> {
    return this.#hearing.up(model);
  }

  sayingUp(model: ChannelModel): Promise<void> {
    return this.#saying.up(model);
  }

  hearingDown(): void {
    this.#hearing.down();
  }

  sayingDown(): void {
    this.#open = undefined;
    this.#saying.down();
  }

  hungry(channels: readonly ChannelId[]): void {
    try {
      this.#open?.publish(this.#exchange, '', Buffer.from(channels.join(',')), {
        appId: this.#gateway,
        expiration: 5_000,
      });
    } catch {
      // The channel closed this very moment; it is said again.
    }
  }

  onHungry(listener: (channels: readonly ChannelId[]) => void): void {
    this.#listener = listener;
  }

  async #declare(channel: AmqpChannel): Promise<void> {
    await channel.assertExchange(this.#exchange, 'fanout', { durable: true });
  }

  async #listen(channel: AmqpChannel): Promise<void> {
    await this.#declare(channel);
    const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true, durable: false });
    await channel.bindQueue(queue, this.#exchange, '');
    await channel.consume(
      queue,
      (message) => {
        if (message === null || message.properties.appId === this.#gateway) return;
        this.#listener(channelsOf(message.content));
      },
      { noAck: true },
    );
  }
}

/** Anybody may publish to the exchange: what is no channel's number is left out. */
export function channelsOf(content: Buffer): ChannelId[] {
  return content.toString('latin1').split(',').map(Number).filter(isChannelId);
}

function isChannelId(value: number): value is ChannelId {
  return Number.isSafeInteger(value) && value > 0;
}
