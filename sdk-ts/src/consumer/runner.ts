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
}

/** Runs the handler, and what is around it, on what arrives, never more than `concurrency` at a time, in order of arrival. */
export class Runner {
  readonly #handler: (message: Delivered) => unknown;
  readonly #options: RunnerOptions;
  readonly #waiting = new Fifo<Delivered>();
  #running = 0;
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

  /** Starts nothing more; what waits is forgotten. */
  close(): void {
    this.#closed = true;
    this.#waiting.drain();
  }

  /** Resolves when no handler runs. */
  idle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  #fill(): void {
    while (this.#running < this.#options.concurrency) {
      const message = this.#waiting.shift();
      if (message === undefined) return;
      // A lease that was lost while the message waited: somebody else has it.
      if (!message.isLost) void this.#run(message);
    }
  }

  async #run(message: Delivered): Promise<void> {
    this.#running++;
    try {
      await this.#handler(message);
      if (this.#options.settles) message.finish(ACK);
      else message.leave();
    } catch (error) {
      this.#options.failed(error, message);
      message.finish(verdict(error));
    }
    this.#running--;
    if (this.#running === 0) {
      for (const waiter of this.#idleWaiters) waiter();
      this.#idleWaiters = [];
    }
    this.#fill();
  }
}
