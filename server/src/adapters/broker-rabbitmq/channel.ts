import { setTimeout as delay } from 'node:timers/promises';
import type { Channel, ChannelModel } from 'amqplib';
import type { Logger } from '../../ports/logger.js';
import { drop, GOOD_AFTER_MS, retryAfter } from './connection.js';

/** How long the broker may take to close a channel: past it, the whole connection is made anew. */
const CLOSE_MS = 1_000;

/** What an AMQP channel is used for. */
export interface ChannelRole<C extends Channel> {
  readonly purpose: string;
  create(model: ChannelModel): Promise<C>;
  /** Prepares every new channel, before `opened`. */
  setup(channel: C): Promise<void>;
  opened(channel: C): void;
  /** The broker closed the channel over what a caller asked for: opening it anew will do. */
  refused?(error: Error | undefined): boolean;
  /** Whatever was under way on the channel is void. */
  closed(error: Error | undefined): void;
  /** The same of one that another had taken the place of. */
  retiredClosed?(): void;
}

/**
 * An AMQP channel that is replaced when the broker closes it, for as long as its connection lives. Opening anew is the same
 * code as opening.
 */
export class HealingChannel<C extends Channel> {
  readonly #role: ChannelRole<C>;
  readonly #logger: Logger;
  #model: ChannelModel | undefined;
  #current: C | undefined;
  readonly #retired = new WeakSet<C>();
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;

  constructor(role: ChannelRole<C>, logger: Logger) {
    this.#role = role;
    this.#logger = logger;
  }

  /** Opens the channel on a new connection; rejects when it can't. */
  async up(model: ChannelModel): Promise<void> {
    this.#model = model;
    this.#failures = 0;
    await this.#open(model);
  }

  /** The same, but goes on trying for as long as the connection lives. */
  start(model: ChannelModel): void {
    this.#model = model;
    this.#openOrLater(model);
  }

  /** The connection is gone. */
  down(): void {
    this.#model = undefined;
    clearTimeout(this.#timer);
  }

  /** Replaces a channel that is open and works no more: no failure, so the next one is not waited for long. */
  async replace(channel: C): Promise<void> {
    this.#failures = 0;
    const model = this.#model;
    // Rejected, it was closed by now.
    const closing = channel.close().catch(() => undefined);
    const closed = await Promise.race([closing.then(() => true), delay(CLOSE_MS, false, { ref: false })]);
    if (closed) return;
    if (model !== undefined && this.#model === model) drop(model, 'a channel did not close');
  }

  /**
   * Opens another channel beside the one that is open, and tells `opened` of it. The old one is the role's to close, when it has
   * no more use for it.
   */
  async renew(): Promise<void> {
    if (this.#model !== undefined && this.#current !== undefined) await this.#open(this.#model, this.#current);
  }

  async #open(model: ChannelModel, old?: C): Promise<void> {
    const role = this.#role;
    const channel = await role.create(model);
    const began = performance.now();
    let problem: Error | undefined;
    let open = false;
    let closed = false;
    channel.on('error', (error) => {
      problem = error;
    });
    channel.on('handler-error', (error, event) => {
      this.#logger.error({ purpose: role.purpose, event, error }, 'a listener failed');
    });
    channel.on('close', () => {
      closed = true;
      if (!open) return;
      if (this.#retired.has(channel)) {
        role.retiredClosed?.();
        return;
      }
      this.#current = undefined;
      if (performance.now() - began > GOOD_AFTER_MS || role.refused?.(problem) === true) this.#failures = 0;
      role.closed(problem);
      if (this.#model === model) this.#later(model, problem);
    });
    try {
      await role.setup(channel);
    } catch (error) {
      if (!closed) await channel.close().catch(() => undefined);
      throw error;
    }
    if (closed) throw problem ?? new Error('the channel was closed while it was set up');
    if (old !== undefined) {
      if (old !== this.#current) {
        // It closed meanwhile, and the next one is on its way.
        await channel.close().catch(() => undefined);
        return;
      }
      this.#retired.add(old);
    }
    this.#current = channel;
    open = true;
    role.opened(channel);
  }

  #later(model: ChannelModel, problem: unknown): void {
    this.#failures++;
    const wait = retryAfter(this.#failures);
    // A channel that ends with its connection has no problem of its own.
    if (problem !== undefined) {
      const text = problem instanceof Error ? problem.message : String(problem);
      this.#logger.warn({ purpose: this.#role.purpose, problem: text, retryInMs: wait }, 'RabbitMQ closed a channel');
    }
    this.#timer = setTimeout(() => this.#openOrLater(model), wait);
  }

  #openOrLater(model: ChannelModel): void {
    this.#open(model).catch((error: unknown) => {
      if (this.#model === model) this.#later(model, error);
    });
  }
}

/** The broker's reply code, when it was this very operation that the broker refused. */
export function refusalCode(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}
