import { milliseconds } from '../duration.js';
import { Fifo } from '../fifo.js';
import { count } from '../options.js';
import type { BatchOptions } from './batch-options.js';
import type { Delivered } from './delivered.js';
import type { BatchHandler } from './handler.js';
import type { Work } from './work.js';

interface Gathered {
  readonly message: Delivered;
  /** When it came, by `performance.now()`. */
  readonly at: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

const MAX_SIZE = 1_000;
const MAX_WAIT_MS = 3_600_000;

/**
 * One call of the handler for many messages. Each message is handled on its own as far as its runner and middleware can tell: it is through
 * when its batch is.
 */
export class Batches implements Work {
  /** In messages. */
  readonly concurrency: number;
  readonly #handler: BatchHandler;
  readonly #size: number;
  readonly #waitMs: number;
  readonly #most: number;
  readonly #gathered = new Fifo<Gathered>();
  #running = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** Throws InvalidArgumentError for options out of range. */
  constructor(handler: BatchHandler, options: BatchOptions) {
    this.#handler = handler;
    this.#size = count(options.size ?? 100, 'size', 1, MAX_SIZE);
    this.#waitMs = milliseconds(options.wait ?? 100, 'wait', 0, MAX_WAIT_MS);
    this.#most = count(options.concurrency ?? 1, 'concurrency', 1);
    this.concurrency = this.#size * this.#most;
  }

  readonly handle = (message: Delivered): Promise<unknown> =>
    new Promise((resolve, reject) => {
      this.#gathered.push({ message, at: performance.now(), resolve, reject });
      if (this.#closed || this.#gathered.length >= this.#size) this.#start();
      else this.#timer ??= setTimeout(this.#look, this.#waitMs);
    });

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#start();
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    this.#start();
  };

  /** Starts the batches that are full or have waited long enough. */
  #start(): void {
    while (this.#running < this.#most) {
      const first = this.#gathered.peek();
      if (first === undefined) return;
      const left = first.at + this.#waitMs - performance.now();
      if (left > 0 && !this.#closed && this.#gathered.length < this.#size) {
        this.#timer ??= setTimeout(this.#look, left);
        return;
      }
      void this.#run(this.#take());
    }
  }

  #take(): Gathered[] {
    const batch: Gathered[] = [];
    while (batch.length < this.#size) {
      const gathered = this.#gathered.shift();
      if (gathered === undefined) break;
      // A lease that was lost while the message waited: somebody else has it.
      if (gathered.message.isLost) gathered.reject(gathered.message.signal.reason);
      else batch.push(gathered);
    }
    return batch;
  }

  async #run(batch: readonly Gathered[]): Promise<void> {
    if (batch.length === 0) return;
    this.#running++;
    try {
      const result = await this.#handler(batch.map(({ message }) => message));
      for (const { resolve } of batch) resolve(result);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    this.#running--;
    this.#start();
  }
}
