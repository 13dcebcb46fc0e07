import type { Channel as AmqpChannel, ChannelModel, Replies } from 'amqplib';
import type { Channel } from '../../model/channel.js';
import { BusError } from '../../model/errors.js';
import type { Logger } from '../../ports/logger.js';
import { cameMeanwhile, type QueueDepth, type Queues } from '../../ports/queues.js';
import { HealingChannel, refusalCode } from './channel.js';
import type { Topology } from './topology.js';

/** How long an operator's question waits for a connection, from when it was asked: all that wait give up together. */
const WAIT_MS = 5_000;
const NOT_FOUND = 404;
const EMPTY: QueueDepth = { frames: 0, messages: 0, approximate: false, oldestAt: 0 };

/**
 * Looks at queues, and removes them. On an AMQP channel of its own, since a refusal closes it; one question at a time, so that
 * it is known which one was refused.
 */
export class RabbitQueues implements Queues {
  readonly #topology: Topology;
  readonly #amqp: HealingChannel<AmqpChannel>;
  #open: AmqpChannel | undefined;
  readonly #opened = new Set<() => void>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(topology: Topology, logger: Logger) {
    this.#topology = topology;
    this.#amqp = new HealingChannel<AmqpChannel>(
      {
        purpose: 'queues',
        create: (model) => model.createChannel(),
        setup: async () => undefined,
        opened: (channel) => {
          this.#open = channel;
          for (const resume of [...this.#opened]) resume();
        },
        refused: (error) => refusalCode(error) !== undefined,
        closed: () => {
          this.#open = undefined;
        },
      },
      logger,
    );
  }

  up(model: ChannelModel): Promise<void> {
    return this.#amqp.up(model);
  }

  down(): void {
    this.#open = undefined;
    this.#amqp.down();
  }

  depth(channel: Channel, signal?: AbortSignal): Promise<QueueDepth> {
    return this.#inTurn(signal, async (amqp) => {
      const found = await this.#check(amqp, channel);
      if (found === undefined) return EMPTY;
      return { frames: found.messageCount, messages: undefined, approximate: true, oldestAt: 0 };
    });
  }

  /** Of all gateways; 0 also for a queue that does not answer, or is not there. */
  consumers(channel: Channel): Promise<number> {
    return this.#inTurn(undefined, async (amqp) => (await this.#check(amqp, channel))?.consumerCount ?? 0);
  }

  /**
   * Quorum queues know no "delete unless it is used", or "unless it holds something" (RabbitMQ closes the connection over it), so
   * somebody may come in between: their consumer is cancelled, and makes the queue again.
   */
  remove(channel: Channel, { withContents }: { readonly withContents: boolean }, signal?: AbortSignal): Promise<void> {
    const queue = this.#topology.queue(channel);
    return this.#inTurn(signal, async (amqp) => {
      try {
        const { consumerCount, messageCount } = await amqp.checkQueue(queue);
        if (consumerCount > 0) {
          throw new BusError('CHANNEL_IN_USE', `channel "${channel.name}" of "${channel.topic}" has a consumer`);
        }
        if (messageCount > 0 && !withContents) throw cameMeanwhile(channel);
        this.#topology.forget(channel);
        await amqp.deleteQueue(queue);
      } catch (error) {
        if (error instanceof BusError) throw error;
        this.#closes(amqp);
        if (refusalCode(error) !== NOT_FOUND) throw error;
        this.#topology.forget(channel);
      }
    });
  }

  forget(channel: Channel): void {
    this.#topology.forget(channel);
  }

  /** Undefined when the queue is not there. */
  async #check(amqp: AmqpChannel, channel: Channel): Promise<Replies.AssertQueue | undefined> {
    try {
      return await amqp.checkQueue(this.#topology.queue(channel));
    } catch (error) {
      this.#closes(amqp);
      if (refusalCode(error) !== NOT_FOUND) throw error;
      return undefined;
    }
  }

  /** Every refusal closes the channel: the next question waits for a new one. */
  #closes(amqp: AmqpChannel): void {
    if (this.#open === amqp) this.#open = undefined;
  }

  #inTurn<T>(signal: AbortSignal | undefined, ask: (amqp: AmqpChannel) => Promise<T>): Promise<T> {
    const until = performance.now() + WAIT_MS;
    const turn = this.#last.then(() => this.#ask(until, signal, ask));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #ask<T>(until: number, signal: AbortSignal | undefined, ask: (amqp: AmqpChannel) => Promise<T>): Promise<T> {
    const amqp = this.#open ?? (await this.#whenOpen(until, signal));
    try {
      return await ask(amqp);
    } catch (error) {
      if (error instanceof BusError) throw error;
      throw new BusError('BROKER_UNAVAILABLE', 'RabbitMQ did not answer about a queue', { cause: error });
    }
  }

  #whenOpen(until: number, signal: AbortSignal | undefined): Promise<AmqpChannel> {
    return new Promise((resolve, reject) => {
      const come = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', come);
        this.#opened.delete(come);
        if (this.#open === undefined) reject(new BusError('BROKER_UNAVAILABLE', 'RabbitMQ is away'));
        else resolve(this.#open);
      };
      const timer = setTimeout(come, signal?.aborted === true ? 0 : Math.max(0, until - performance.now()));
      signal?.addEventListener('abort', come, { once: true });
      this.#opened.add(come);
    });
  }
}
