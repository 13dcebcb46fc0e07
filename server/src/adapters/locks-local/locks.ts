import { type Clock, systemClock } from '../../ports/clock.js';
import type { Lock, Locks } from '../../ports/locks.js';

interface Holding {
  readonly fence: number;
  until: number;
}

/**
 * Locks among the callers of one process. None outlives it. Fencing tokens begin at the time of the start, in microseconds,
 * so that they grow over restarts too.
 */
export class LocalLocks implements Locks {
  readonly name = 'locks';
  readonly #clock: Clock;
  readonly #held = new Map<string, Holding>();
  #fence: number;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
    this.#fence = clock.now() * 1_000;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#held.clear();
  }

  health(): undefined {
    return undefined;
  }

  async acquire(name: string, ttlMs: number): Promise<Lock | undefined> {
    const now = this.#clock.steady();
    const other = this.#held.get(name);
    if (other !== undefined && other.until > now) return undefined;
    const holding: Holding = { fence: ++this.#fence, until: now + ttlMs };
    this.#held.set(name, holding);
    return {
      fence: holding.fence,
      renew: async () => {
        const then = this.#clock.steady();
        if (this.#held.get(name) !== holding || holding.until <= then) return false;
        holding.until = then + ttlMs;
        return true;
      },
      release: async () => {
        if (this.#held.get(name) === holding) this.#held.delete(name);
      },
    };
  }
}
