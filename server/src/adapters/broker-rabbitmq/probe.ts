import { setTimeout as delay } from 'node:timers/promises';
import type { ChannelModel } from 'amqplib';
import { BusError } from '../../model/errors.js';
import { type ConnectionOptions, connectTo, drop } from './connection.js';
import { Nodes } from './nodes.js';

/** How long a node may take to answer, and a queue. */
const CONNECT_MS = 4_000;
const ANSWER_MS = 2_000;
/** For so long after a fault of the broker's no queue is trusted that was not asked. */
const WATCH_MS = 300_000;
/** The connection ends when nobody has asked for so long. */
const IDLE_MS = 30_000;

/**
 * Tells whether a queue would take a consumer. RabbitMQ ends the whole connection of who asks for a consumer of a quorum queue
 * without a leader, and so all other consumers on it, each time anew. So after such an end the queues are asked first, on a
 * connection that nobody else needs, for a message that goes back: that takes a leader and a majority, as a consumer does.
 */
export class Probe {
  readonly #nodes: Nodes;
  readonly #name: string;
  #watchUntil = 0;
  #model: ChannelModel | undefined;
  #last: Promise<void> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor({ urls, heartbeatSeconds, name }: Pick<ConnectionOptions, 'urls' | 'heartbeatSeconds' | 'name'>) {
    this.#nodes = new Nodes(urls, heartbeatSeconds);
    this.#name = name;
  }

  /** RabbitMQ ended a connection that has consumers, over a fault of its own. */
  warn(): void {
    this.#watchUntil = performance.now() + WATCH_MS;
  }

  get isWanted(): boolean {
    return performance.now() < this.#watchUntil;
  }

  /** Rejects with BROKER_UNAVAILABLE when it takes none. One at a time: a bad one ends the connection. */
  ask(queue: string): Promise<void> {
    const turn = this.#last.then(() => this.#ask(queue));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  stop(): void {
    this.#stopped = true;
    this.#end();
  }

  async #ask(queue: string): Promise<void> {
    clearTimeout(this.#idle);
    try {
      const answered = await Promise.race([this.#get(queue), delay(ANSWER_MS, false, { ref: false })]);
      if (answered === false) throw new Error(`no answer within ${ANSWER_MS} ms`);
    } catch (cause) {
      this.#end();
      throw new BusError('BROKER_UNAVAILABLE', `the queue "${queue}" takes no consumer: it may have no leader`, {
        cause,
      });
    }
    this.#idle = setTimeout(() => this.#end(), IDLE_MS);
    this.#idle.unref();
  }

  async #get(queue: string): Promise<void> {
    const model = this.#model ?? (await this.#connect());
    const channel = await model.createChannel();
    // Whatever it is, the call that waits rejects with it.
    channel.on('error', () => undefined);
    await channel.get(queue, { noAck: false });
    // What it got goes back with it.
    await channel.close();
  }

  async #connect(): Promise<ChannelModel> {
    let failure: unknown;
    for (let tries = 0; tries < this.#nodes.size; tries++) {
      try {
        const model = await connectTo(this.#nodes.next(), this.#name, CONNECT_MS);
        model.on('error', () => undefined);
        model.once('close', () => {
          if (this.#model === model) this.#model = undefined;
        });
        this.#model = model;
        if (this.#stopped) this.#end();
        return model;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  #end(): void {
    clearTimeout(this.#idle);
    const model = this.#model;
    this.#model = undefined;
    if (model !== undefined) drop(model, 'nobody needs it any more');
  }
}
