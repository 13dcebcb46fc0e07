import { randomUUID } from 'node:crypto';
import type { LockKey } from '../../model/lock.js';
import type { ClientLock, ClientLocks } from '../../ports/client-locks.js';
import { type Clock, systemClock } from '../../ports/clock.js';

interface Holding {
  readonly secret: string;
  until: number;
}

/** So many names are looked through for locks that ran out, and twice as many as were left then. */
const SWEEP_AT = 1_000;

/** Locks of the clients of one process. None outlives it; fencing tokens grow over restarts, as those of `LocalLocks`. */
export class LocalClientLocks implements ClientLocks {
  readonly #clock: Clock;
  readonly #held = new Map<string, Holding>();
  #fence: number;
  #sweepAt = SWEEP_AT;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
    this.#fence = clock.now() * 1_000;
  }

  /** Names that are remembered. */
  get size(): number {
    return this.#held.size;
  }

  async acquire(name: string, ttlMs: number): Promise<ClientLock | undefined> {
    const now = this.#clock.steady();
    if (this.#holding(name, now) !== undefined) return undefined;
    const secret = randomUUID();
    this.#held.set(name, { secret, until: now + ttlMs });
    if (this.#held.size >= this.#sweepAt) this.#sweep(now);
    return { name, secret, fence: ++this.#fence };
  }

  async renew({ name, secret }: LockKey, ttlMs: number): Promise<boolean> {
    const now = this.#clock.steady();
    const holding = this.#holding(name, now);
    if (holding?.secret !== secret) return false;
    holding.until = now + ttlMs;
    return true;
  }

  async release({ name, secret }: LockKey): Promise<boolean> {
    if (this.#holding(name, this.#clock.steady())?.secret !== secret) return false;
    return this.#held.delete(name);
  }

  #holding(name: string, now: number): Holding | undefined {
    const holding = this.#held.get(name);
    return holding !== undefined && holding.until > now ? holding : undefined;
  }

  /** Locks that nobody released must not stay for ever. */
  #sweep(now: number): void {
    for (const [name, { until }] of this.#held) if (until <= now) this.#held.delete(name);
    this.#sweepAt = Math.max(SWEEP_AT, this.#held.size * 2);
  }
}
