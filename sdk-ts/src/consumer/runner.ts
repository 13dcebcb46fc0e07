import { Fifo } from '../fifo.js';
import type { Message } from '../message.js';
import { ACK } from './action.js';
import type { Delivered } from './delivered.js';
import { verdict } from './verdict.js';

export interface RunnerOptions {
  readonly concurrency: number;
  /** Whether the end of a handler settles its message. */
  readonly settles: boolean;
  readonly failed: (error: unknown, message: Message) => void;
  /** Told how long a handler took, in milliseconds: of one at a time, so that the others cost nothing. Default: nobody. */
  readonly timed?: (ms: number, now: number) => void;
}

/**
 * How long handlers may go on in one turn of the event loop. Those that wait for nothing would otherwise run through all that is here, while acks, lease
 * extensions and heartbeats lie unsent and unread.
 */
const TURN_MS = 20;

/** Runs the handler, and what is around it, on what arrives, never more than `concurrency` at a time, in order of arrival. */
export class Runner {
  readonly #handler: (message: Delivered) => unknown;
  readonly #options: RunnerOptions;
  readonly #waiting = new Fifo<Delivered>();
  #running = 0;
  #timing = false;
  /** When this turn of the event loop began to start handlers, by `performance.now()`; 0: it has not. */
  #turn = 0;
  #closed = false;
  #idleWaiters: (() => void)[] = [];

  constructor(handler: (message: Delivered) => unknown, options: RunnerOptions) {
    this.#handler = handler;
    this.#options = options;
  }

  push(messages: readonly Delivered[]): void {
    if (this.#closed) return;
    for (const message of messages) this.#waiting.push(message);
    this.#fill();
  }

  /** The same for one, without a list. */
  add(message: Delivered): void {
    if (this.#closed) return;
    if (this.#running >= this.#options.concurrency || this.#waiting.length > 0) this.#waiting.push(message);
    else if (!message.isLost) this.#start(message);
  }

  /** Starts nothing more; returns what still waited. Safe twice. */
  close(): Delivered[] {
    this.#closed = true;
    return this.#waiting.drain();
  }

  /** Handlers that run. */
  get running(): number {
    return this.#running;
  }

  /** Resolves when no handler runs. */
  idle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  #fill(): void {
    while (this.#running < this.#options.concurrency && this.#waiting.length > 0 && !this.#turnIsOver()) {
      const message = this.#waiting.shift();
      if (message === undefined) return;
      // A lease that was lost while the message waited: somebody else has it.
      if (!message.isLost) this.#start(message);
    }
  }

  /** A handler that returns no promise costs none: it is through at once. */
  #start(message: Delivered): void {
    this.#running++;
    const begun = this.#begin();
    let result: unknown;
    try {
      result = this.#handler(message);
    } catch (error) {
      this.#failed(message, error, begun);
      return;
    }
    if (isPromise(result)) void this.#wait(message, result, begun);
    else this.#through(message, begun);
  }

  async #wait(message: Delivered, result: PromiseLike<unknown>, begun: number): Promise<void> {
    try {
      await result;
      this.#through(message, begun);
    } catch (error) {
      this.#failed(message, error, begun);
    }
    this.#fill();
  }

  #through(message: Delivered, begun: number): void {
    if (this.#options.settles) message.finish(ACK);
    else message.leave();
    this.#ended(begun);
  }

  #failed(message: Delivered, error: unknown, begun: number): void {
    this.#options.failed(error, message);
    message.finish(verdict(error));
    this.#ended(begun);
  }

  #ended(begun: number): void {
    if (begun > 0) this.#end(begun);
    this.#running--;
    if (this.#running > 0 || this.#idleWaiters.length === 0) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const waiter of waiters) waiter();
  }

  /** When this one began; 0: it is not timed. */
  #begin(): number {
    if (this.#timing || this.#options.timed === undefined) return 0;
    this.#timing = true;
    return performance.now();
  }

  #end(begun: number): void {
    this.#timing = false;
    const now = performance.now();
    this.#options.timed?.(now - begun, now);
  }

  #turnIsOver(): boolean {
    const now = performance.now();
    if (this.#turn > 0) return now - this.#turn > TURN_MS;
    this.#turn = now;
    setImmediate(this.#nextTurn);
    return false;
  }

  readonly #nextTurn = (): void => {
    this.#turn = 0;
    this.#fill();
  };
}

function isPromise(result: unknown): result is PromiseLike<unknown> {
  return (
    result instanceof Promise ||
    (typeof result === 'object' && result !== null && 'then' in result && typeof result.then === 'function')
  );
}
