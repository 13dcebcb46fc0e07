import { randomUUID } from 'node:crypto';
import { type LockKey, lockTokenHash } from '../../model/lock.js';
import type { ClientLock, ClientLocks } from '../../ports/client-locks.js';
import { type Clock, systemClock } from '../../ports/clock.js';
import { type HeldLock, type LockFacts, type LockRegister, MAX_LISTED_LOCKS } from '../../ports/lock-register.js';

interface Holding {
  readonly secret: string;
  readonly fence: number;
  /** By the steady clock. */
  until: number;
  facts: LockFacts | undefined;
}

/** So many names are looked through for locks that ran out, and twice as many as were left then. */
const SWEEP_AT = 1_000;

/** Locks of the clients of one process. None outlives it; fencing tokens grow over restarts, as those of `LocalLocks`. */
export class LocalClientLocks implements ClientLocks, LockRegister {
  readonly #clock: Clock;
  readonly #node: string;
  readonly #held = new Map<string, Holding>();
  #fence: number;
  #sweepAt = SWEEP_AT;

  constructor(clock: Clock = systemClock, node = '') {
    this.#clock = clock;
    this.#node = node;
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
    const fence = ++this.#fence;
    this.#held.set(name, { secret, fence, until: now + ttlMs, facts: undefined });
    if (this.#held.size >= this.#sweepAt) this.#sweep(now);
    return { name, secret, fence };
  }

  async renew({ name, secret }: LockKey, ttlMs: number): Promise<boolean> {
    const now = this.#clock.steady();
    const holding = this.#holding(name, now);
    if (holding?.secret !== secret) return false;
    holding.until = now + ttlMs;
    return true;
  }

  /** With a name alone, whoever holds it. */
  async release(lock: LockKey | string): Promise<boolean> {
    const name = typeof lock === 'string' ? lock : lock.name;
    const holding = this.#holding(name, this.#clock.steady());
    if (holding === undefined || (typeof lock !== 'string' && holding.secret !== lock.secret)) return false;
    return this.#held.delete(name);
  }

  acquired({ name, secret }: LockKey, facts: LockFacts): void {
    const holding = this.#held.get(name);
    if (holding?.secret === secret) holding.facts = facts;
  }

  /** The holding knows by itself. */
  renewed(): void {}

  released(): void {}

  async list(): Promise<HeldLock[]> {
    const steady = this.#clock.steady();
    const now = this.#clock.now();
    const held = [...this.#held].filter(([, { until }]) => until > steady).sort(([, a], [, b]) => a.until - b.until);
    const locks = held.slice(0, MAX_LISTED_LOCKS).map(([name, { secret, fence, until, facts }]): HeldLock => {
      const { holder, since } = facts ?? { holder: '', since: 0 };
      const tokenHash = lockTokenHash({ name, secret });
      return { name, holder, since, until: now + until - steady, tokenHash, fence, node: this.#node };
    });
    return locks.sort((a, b) => (a.name < b.name ? -1 : 1));
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
