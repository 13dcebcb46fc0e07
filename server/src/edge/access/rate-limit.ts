import { BusError } from '../../model/errors.js';
import type { Clock } from '../../ports/clock.js';

interface Bucket {
  tokens: number;
  at: number;
}

/** Clients that are kept count of; past it, those that have not asked for a while are forgotten. */
const MAX_BUCKETS = 10_000;

/**
 * So many a second for each client, and as many at once after a quiet second. A call larger than what is left is let through
 * and owed, so that none is too large to be made.
 */
export class RateLimit {
  readonly #buckets = new Map<string, Bucket>();

  constructor(
    private readonly clock: Clock,
    /** A second; 0: no limit. */
    private readonly rate: number,
    /** What is counted, and the config key, for the error. */
    private readonly what: string,
    /** The most at once. */
    private readonly burst = rate,
  ) {}

  /** Whether there is a limit at all. */
  get limits(): boolean {
    return this.rate > 0;
  }

  /** Takes so many. Throws RATE_LIMITED, with the time when there is room again. */
  take(client: string, count: number): void {
    if (!this.limits) return;
    const bucket = this.#bucket(client);
    if (bucket.tokens <= 0) throw this.#limited(bucket);
    bucket.tokens -= count;
  }

  /** Throws RATE_LIMITED, and takes nothing. */
  check(client: string): void {
    if (!this.limits) return;
    const bucket = this.#bucket(client);
    if (bucket.tokens <= 0) throw this.#limited(bucket);
  }

  #bucket(client: string): Bucket {
    const now = this.clock.steady();
    let bucket = this.#buckets.get(client);
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_BUCKETS) this.#forget(now);
      bucket = { tokens: this.burst, at: now };
      this.#buckets.set(client, bucket);
    }
    bucket.tokens = Math.min(this.burst, bucket.tokens + ((now - bucket.at) / 1000) * this.rate);
    bucket.at = now;
    return bucket;
  }

  #limited({ tokens }: Bucket): BusError {
    const retryAfterMs = Math.max(1, Math.ceil((1000 * (1 - tokens)) / this.rate));
    const limit = `${this.rate} ${this.what}`;
    return new BusError('RATE_LIMITED', `this client makes more than ${limit}: try again in ${retryAfterMs} ms`, {
      limit,
      retryAfterMs,
    });
  }

  /** Those that would be full again by now; all, should none be. */
  #forget(now: number): void {
    for (const [client, { tokens, at }] of this.#buckets) {
      if (tokens + ((now - at) / 1000) * this.rate >= this.burst) this.#buckets.delete(client);
    }
    if (this.#buckets.size >= MAX_BUCKETS) this.#buckets.clear();
  }
}
