import { BusError } from '../../model/errors.js';
import type { Store } from '../sqlite/store.js';

const UNAVAILABLE = 'LEDGER_UNAVAILABLE';
/** A full disk is not freed faster than somebody can look at it. */
const REPEAT_MS = 500;

/** Writes that wait while the store is at fault, in their order, instead of failing. */
export class Commits {
  readonly #store: Store;
  #waiting: Job[] = [];
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(store: Store) {
    this.#store = store;
  }

  write<T>(operation: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const job: Job = { run: () => this.#store.write(UNAVAILABLE, operation).then(resolve), reject };
      if (this.#stopped) reject(stopping());
      else if (this.#waiting.length > 0) this.#waiting.push(job);
      else this.#try(job);
    });
  }

  /** What waits is rejected. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const { reject } of this.#waiting.splice(0)) reject(stopping());
  }

  #try(job: Job): void {
    job.run().catch((error: unknown) => {
      if (this.#stopped || !(error instanceof BusError && error.reason === UNAVAILABLE)) {
        job.reject(error);
        return;
      }
      this.#waiting.push(job);
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        for (const waiting of this.#waiting.splice(0)) this.#try(waiting);
      }, REPEAT_MS);
    });
  }
}

interface Job {
  readonly run: () => Promise<void>;
  readonly reject: (error: unknown) => void;
}

function stopping(): BusError {
  return new BusError(UNAVAILABLE, 'the gateway is stopping');
}
