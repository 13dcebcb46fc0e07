import type { Channel as AmqpChannel, ChannelModel } from 'amqplib';
import type { Channel } from '../../model/channel.js';
import { BusError } from '../../model/errors.js';
import type { Logger } from '../../ports/logger.js';
import { HealingChannel, refusalCode } from './channel.js';

export type QueueType = 'quorum' | 'classic';

export interface TopologyOptions {
  /** The exchange, and the first part of every queue's name. */
  readonly prefix: string;
  readonly queueType: QueueType;
  readonly logger: Logger;
}

/**
 * As good as none, in every version. -1 would say it better, but before 4.0 RabbitMQ takes it for a limit that is passed at
 * once, and drops a message the first time it is requeued (seen on 3.10). Without the argument, 4.x drops at 20. One value for
 * all versions also keeps a queue's arguments the same over an upgrade of the broker.
 */
const NO_DELIVERY_LIMIT = 2_147_483_647;

/** How often a declaration is tried that the broker refuses for another reason than a conflict. */
const MAX_TRIES = 3;

/** The declaration of one queue, for everybody who waits for it. */
class Job {
  readonly done: Promise<void>;
  resolve: () => void = () => undefined;
  reject: (error: BusError) => void = () => undefined;
  waiters = 0;
  tries = 0;

  constructor(readonly channel: Channel) {
    this.done = new Promise<void>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Everybody may have gone when it fails.
    this.done.catch(() => undefined);
  }
}

/**
 * The exchange, queues and bindings: declared on first use, and anew on every new connection, because the broker may have lost
 * them. Declarations have an AMQP channel of their own, since one that is refused closes it, and go one at a time, so that it
 * is known which one was refused.
 */
export class Topology {
  readonly #options: TopologyOptions;
  readonly #amqp: HealingChannel<AmqpChannel>;
  readonly #known = new Map<string, Channel>();
  #open: AmqpChannel | undefined;
  /** By queue, in the order of asking. */
  readonly #jobs = new Map<string, Job>();
  #working = false;
  #stopped = false;

  constructor(options: TopologyOptions) {
    this.#options = options;
    this.#amqp = new HealingChannel<AmqpChannel>(
      {
        purpose: 'topology',
        create: (model) => model.createChannel(),
        setup: (channel) => this.declareExchange(channel),
        opened: (channel) => {
          this.#open = channel;
          this.#work();
        },
        refused: isConflict,
        closed: () => {
          this.#open = undefined;
        },
      },
      options.logger,
    );
  }

  get exchange(): string {
    return this.#options.prefix;
  }

  queue(channel: Channel): string {
    return `${this.#options.prefix}/${channel.topic}/${channel.name}`;
  }

  async declareExchange(amqp: AmqpChannel): Promise<void> {
    try {
      await amqp.assertExchange(this.exchange, 'topic', { durable: true });
    } catch (error) {
      throw conflict(error, `exchange "${this.exchange}"`) ?? error;
    }
  }

  /** A new connection: everything that was declared is declared again, in the background. */
  async up(model: ChannelModel): Promise<void> {
    await this.#amqp.up(model);
    for (const channel of this.#known.values()) {
      this.declare(channel).catch((error: unknown) => {
        this.#options.logger.error({ queue: this.queue(channel), error }, 'a queue could not be declared again');
      });
    }
  }

  down(): void {
    this.#amqp.down();
  }

  stop(): void {
    this.#stopped = true;
    for (const job of this.#jobs.values()) job.reject(unavailable('the gateway stops'));
    this.#jobs.clear();
  }

  /** It is not declared again on the next connection. */
  forget(channel: Channel): void {
    this.#known.delete(this.queue(channel));
  }

  /** Waits for a connection, until the signal aborts. */
  async declare(channel: Channel, signal?: AbortSignal): Promise<void> {
    if (this.#stopped) throw unavailable('the gateway stops');
    if (signal?.aborted === true) throw unavailable('the call ended before RabbitMQ was asked');
    const queue = this.queue(channel);
    const job = this.#jobs.get(queue) ?? new Job(channel);
    this.#jobs.set(queue, job);
    job.waiters++;
    this.#work();
    if (signal === undefined) return job.done;
    let abort: () => void = () => undefined;
    const aborted = new Promise<void>((_, reject) => {
      abort = () => {
        // What nobody waits for any more is forgotten, so that what waits stays bounded while the broker is away.
        if (--job.waiters === 0 && this.#jobs.get(queue) === job) this.#jobs.delete(queue);
        reject(unavailable('RabbitMQ did not declare the queue in time'));
      };
    });
    signal.addEventListener('abort', abort, { once: true });
    return Promise.race([job.done, aborted]).finally(() => signal.removeEventListener('abort', abort));
  }

  #work(): void {
    if (this.#working) return;
    this.#working = true;
    this.#workOff()
      .catch((error: unknown) => this.#options.logger.error({ error }, 'declaring queues failed'))
      .finally(() => {
        this.#working = false;
        if (this.#open !== undefined && this.#jobs.size > 0) this.#work();
      });
  }

  async #workOff(): Promise<void> {
    for (;;) {
      const amqp = this.#open;
      const [next] = this.#jobs;
      if (amqp === undefined || next === undefined) return;
      const [queue, job] = next;
      const ended = await this.#try(queue, job, amqp);
      if (ended && this.#jobs.get(queue) === job) this.#jobs.delete(queue);
      // Every failure closes the channel; the next one continues here.
      if (!ended && this.#open === amqp) this.#open = undefined;
    }
  }

  /** False: the job has to be done again. */
  async #try(queue: string, job: Job, amqp: AmqpChannel): Promise<boolean> {
    try {
      await amqp.assertQueue(queue, { durable: true, arguments: this.#arguments });
      await amqp.bindQueue(queue, this.exchange, job.channel.topic);
    } catch (error) {
      const conflicting = conflict(error, `queue "${queue}"`);
      // An error without a code came from the loss of the connection, which is not the job's fault.
      const refused = refusalCode(error) !== undefined && ++job.tries >= MAX_TRIES;
      if (conflicting === undefined && !refused) return false;
      job.reject(conflicting ?? unavailable(`RabbitMQ does not declare the queue "${queue}"`, error));
      return true;
    }
    this.#known.set(queue, job.channel);
    job.resolve();
    return true;
  }

  get #arguments(): Record<string, unknown> {
    if (this.#options.queueType === 'classic') return { 'x-queue-type': 'classic' };
    return { 'x-queue-type': 'quorum', 'x-delivery-limit': NO_DELIVERY_LIMIT };
  }
}

function unavailable(why: string, cause?: unknown): BusError {
  return new BusError('BROKER_UNAVAILABLE', why, { cause });
}

const INEQUIVALENT = /inequivalent arg '([^']+)' for .+?: received (.+) but current is (.+?)"?$/;
const VALUE = /^(?:the value )?'([^']*)'.*$/;

/** 405: the queue is exclusively another connection's. */
function isConflict(error: unknown): boolean {
  const code = refusalCode(error);
  return code === 406 || code === 405;
}

/** The broker's words for a conflict (406, or 405 for a queue that is another connection's own) as an error of ours. */
function conflict(error: unknown, what: string): BusError | undefined {
  if (!isConflict(error)) return undefined;
  const text = error instanceof Error ? error.message : '';
  const match = INEQUIVALENT.exec(text);
  const [, argument, asked, current] = match ?? [];
  if (argument === undefined || asked === undefined || current === undefined) {
    return new BusError('QUEUE_CONFLICT', `RabbitMQ has another ${what} than this gateway needs: ${text}`, {
      cause: error,
    });
  }
  const words = (value: string) => value.replace(VALUE, '$1');
  return new BusError(
    'QUEUE_CONFLICT',
    `the ${what} exists with ${argument} ${words(current)}, and this gateway asks for ${words(asked)}: ` +
      'change the config, or delete it once it is empty',
    { cause: error },
  );
}
