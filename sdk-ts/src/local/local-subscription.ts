import { nack } from '../consumer/action.js';
import { Lifetime } from '../consumer/lifetime.js';
import { MAX_LEASE_SECONDS } from '../consumer/received-message.js';
import { Runner } from '../consumer/runner.js';
import type { SubscribeOptions, Subscription } from '../consumer/subscribe-options.js';
import type { Work } from '../consumer/work.js';
import { type Duration, milliseconds, seconds } from '../duration.js';
import { ClosedError } from '../errors.js';
import type { Message } from '../message.js';
import { compose } from '../middleware/compose.js';
import type { Middleware } from '../middleware/middleware.js';
import { count } from '../options.js';
import { within } from '../pause.js';
import type { Channel, Taker } from './channel.js';
import { LocalMessage } from './local-message.js';

export interface LocalSubscriptionParts {
  /** Runs around the subscription's own. */
  readonly middleware: readonly Middleware[];
  readonly leaseMs: number;
  /** Told of every handler's error, before the subscription's own `onError`. */
  readonly failed: ((error: unknown, message: Message, subscription: LocalSubscription) => void) | undefined;
  /** A channel for it, or an error that refuses the subscription. Throws it. */
  open(): Channel;
}

/**
 * A consumer of a channel. It takes a message only when a handler is free for it, so that what waits is there for others:
 *
 *   open ─ stop ─▶ stopping (handlers finish) ─▶ closed (what is held goes back)
 *     └ refused ─▶ closed
 */
export class LocalSubscription implements Subscription, Taker {
  readonly ready: Promise<void>;
  readonly closed: Promise<void>;
  readonly leaseMs: number;
  readonly leased: boolean;
  readonly #work: Work;
  readonly #runner: Runner;
  readonly #credit: number;
  readonly #lifetime: Lifetime;
  readonly #held = new Set<LocalMessage>();
  readonly #left = new Set<LocalMessage>();
  #home: Channel | undefined;
  /** Messages that were taken, and are neither settled nor lost. */
  #taken = 0;
  #stopped: Promise<void> | undefined;

  /** Throws InvalidArgumentError for options out of range. */
  constructor(
    readonly topic: string,
    readonly channel: string,
    work: Work,
    options: SubscribeOptions,
    parts: LocalSubscriptionParts,
  ) {
    const { lease, settle = 'auto', autoExtend = true, signal, credit = 'auto' } = options;
    const { concurrency } = work;
    this.#work = work;
    const most = Math.max(concurrency, Math.min(1_000, 4 * concurrency));
    this.#credit = count(credit === 'auto' ? most : credit, 'credit', 1);
    this.leaseMs = lease === undefined ? parts.leaseMs : seconds(lease, 'lease', 1, MAX_LEASE_SECONDS) * 1_000;
    this.leased = !autoExtend;
    const failed = (error: unknown, message: Message) => {
      if (message instanceof LocalMessage) message.cause = error;
      parts.failed?.(error, message, this);
      this.#lifetime.report(error, message);
    };
    const handle = compose([...parts.middleware, ...(options.middleware ?? [])], work.handle, {
      topic,
      channel,
      settle,
    });
    this.#runner = new Runner(handle, { concurrency, settles: settle === 'auto', failed });
    const stop = () => void this.stop();
    this.#lifetime = new Lifetime(options, stop);
    this.ready = this.#lifetime.ready;
    this.closed = this.#lifetime.closed;
    if (signal?.aborted) stop();
    else this.#open(parts);
  }

  /** Handlers that are free, as far as the credit goes. */
  get room(): number {
    const handled = this.#taken - this.#left.size;
    return Math.min(this.#work.concurrency - handled, this.#credit - this.#taken);
  }

  take(message: LocalMessage): void {
    this.#taken++;
    this.#runner.add(message);
    // Most handlers of events return at once: those need not be remembered.
    if (message.isHeld) this.#held.add(message);
  }

  released(message: LocalMessage): void {
    this.#taken--;
    this.#held.delete(message);
    if (this.#left.size > 0) this.#left.delete(message);
    this.#home?.wake();
  }

  left(message: LocalMessage): void {
    this.#left.add(message);
    if (!message.leased) message.home.lease(message);
    this.#home?.wake();
  }

  refused(message: LocalMessage, error: Error): void {
    this.#lifetime.report(error, message);
  }

  stop(options: { timeout?: Duration } = {}): Promise<void> {
    this.#stopped ??= this.#stop(milliseconds(options.timeout ?? 30_000, 'timeout'));
    return this.#stopped;
  }

  /** Handlers that run. */
  get running(): number {
    return this.#runner.running;
  }

  /** Resolves when no handler runs. */
  idle(): Promise<void> {
    return this.#runner.idle();
  }

  /** Messages whose handlers have not returned. */
  get handling(): readonly LocalMessage[] {
    return [...this.#held].filter((message) => !this.#left.has(message));
  }

  #open(parts: LocalSubscriptionParts): void {
    try {
      this.#home = parts.open();
    } catch (error) {
      this.#refuse(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#lifetime.opened();
    this.#home.join(this);
  }

  async #stop(timeoutMs: number): Promise<void> {
    const why = new ClosedError('the subscription was stopped');
    this.#home?.leave(this);
    for (const message of this.#runner.close()) message.finish(nack(0, why.message, true));
    this.#work.close();
    await within(this.#runner.idle(), timeoutMs);
    for (const message of this.#held) this.#home?.giveBack(message, why);
    this.#lifetime.ended(why);
  }

  #refuse(error: Error): void {
    this.#runner.close();
    this.#stopped = Promise.resolve();
    this.#lifetime.refused(error);
  }
}
