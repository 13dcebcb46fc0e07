import type { Redis } from 'ioredis';
import { BusError } from '../../model/errors.js';
import { lockTokenHash } from '../../model/lock.js';
import type { ClientLock } from '../../ports/client-locks.js';
import { type HeldLock, type LockFacts, type LockRegister, MAX_LISTED_LOCKS } from '../../ports/lock-register.js';
import type { RedisConnection } from './connection.js';
import { CLIENT_LOCKS, lockKey } from './lock-scripts.js';

/** Names to a round trip. */
const BATCH = 500;
/** A lock is looked for until so long after it should have run out, as the clocks of gateways differ. */
const SKEW_MS = 60_000;

interface Noted extends LockFacts {
  readonly tokenHash: string;
  readonly fence: number;
  readonly node: string;
}

/**
 * A sorted set of the locks' names, by when they run out, and a hash of who got each. The locks' own keys say what is held: so
 * whatever is noted too late, or was never noted away, is not listed.
 */
export class RedisLockRegister implements LockRegister {
  constructor(
    private readonly connection: RedisConnection,
    private readonly node: string,
  ) {}

  acquired({ name, secret, fence }: ClientLock, facts: LockFacts): void {
    const noted: Noted = { ...facts, tokenHash: lockTokenHash({ name, secret }), fence, node: this.node };
    this.#note((redis) =>
      redis.pipeline().zadd(this.#names, facts.until, name).hset(this.#facts, name, JSON.stringify(noted)).exec(),
    );
  }

  renewed(name: string, until: number): void {
    this.#note((redis) => redis.zadd(this.#names, until, name));
  }

  released(name: string): void {
    this.#note((redis) => redis.pipeline().zrem(this.#names, name).hdel(this.#facts, name).exec());
  }

  async list(): Promise<HeldLock[]> {
    const redis = this.#redis();
    try {
      const names = await redis.zrangebyscore(this.#names, Date.now() - SKEW_MS, '+inf', 'LIMIT', 0, MAX_LISTED_LOCKS);
      const locks: HeldLock[] = [];
      for (let from = 0; from < names.length; from += BATCH) {
        locks.push(...(await this.#held(redis, names.slice(from, from + BATCH))));
      }
      // What ran out long ago, and nobody released.
      const old = await redis.zrangebyscore(this.#names, '-inf', Date.now() - SKEW_MS, 'LIMIT', 0, BATCH);
      for (const name of old) this.released(name);
      return locks.sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      throw unavailable(error);
    }
  }

  async release(name: string): Promise<boolean> {
    try {
      const gone = await this.#redis().del(this.#key(name));
      this.released(name);
      return gone > 0;
    } catch (error) {
      throw unavailable(error);
    }
  }

  async #held(redis: Redis, names: readonly string[]): Promise<HeldLock[]> {
    const keys = names.map((name) => this.#key(name));
    const [secrets, facts, ends] = await Promise.all([
      redis.mget(keys),
      redis.hmget(this.#facts, ...names),
      Promise.all(keys.map((key) => redis.pttl(key))),
    ]);
    const now = Date.now();
    return names.flatMap((name, i) => {
      const secret = secrets[i];
      const left = ends[i] ?? 0;
      if (secret === null || secret === undefined || left <= 0) return [];
      const tokenHash = lockTokenHash({ name, secret });
      const noted = readNoted(facts[i], tokenHash);
      return [{ name, holder: '', since: 0, fence: 0, node: '', ...noted, tokenHash, until: now + left }];
    });
  }

  /** Nobody waits for it. */
  #note(write: (redis: Redis) => Promise<unknown>): void {
    const { client, logger } = this.connection;
    if (client === undefined) return;
    write(client).catch((error: unknown) => logger.debug({ error }, 'the holder of a lock could not be noted'));
  }

  get #names(): string {
    return `${this.connection.prefix}:${CLIENT_LOCKS.lock}s`;
  }

  get #facts(): string {
    return `${this.connection.prefix}:${CLIENT_LOCKS.lock}h`;
  }

  #key(name: string): string {
    return lockKey(this.connection.prefix, CLIENT_LOCKS, name);
  }

  #redis(): Redis {
    const { client } = this.connection;
    if (client === undefined) throw unavailable(this.connection.health());
    return client;
  }
}

/** Undefined where it is of somebody who had the lock before. */
function readNoted(text: string | null | undefined, tokenHash: string): Noted | undefined {
  if (text === null || text === undefined) return undefined;
  const noted: Noted = JSON.parse(text);
  return noted.tokenHash === tokenHash ? noted : undefined;
}

function unavailable(cause: unknown): BusError {
  if (cause instanceof BusError) return cause;
  const words = typeof cause === 'string' ? cause : 'Redis gave no answer';
  return new BusError('LOCKS_UNAVAILABLE', `${words}: try again later`, { cause });
}
