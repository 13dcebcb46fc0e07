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

  /** Starts nothing more; returns what still waited. Safe twice. */
  close(): Delivered[] {
    this.#closed = true;
    return this.#waiting.drain();
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
      if (!message.isLost) void this.#run(message);
    }
  }

  async #run(message: Delivered): Promise<void> {
    this.#running++;
    const begun = this.#begin();
    try {
      await this.#handler(message);
      if (this.#options.settles) message.finish(ACK);
      else message.leave();
    } catch (error) {
      this.#options.failed(error, message);
      message.finish(verdict(error));
    }
    if (begun > 0) this.#end(begun);
    this.#running--;
    if (this.#running === 0) {
      for (const waiter of this.#idleWaiters) waiter();
      this.#idleWaiters = [];
    }
    this.#fill();
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
