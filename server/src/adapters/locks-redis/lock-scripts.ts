import type { RedisConnection, Script } from './connection.js';

/** How long a lock call waits for Redis. */
const ANSWER_MS = 1_000;
/** How long the counter of fencing tokens outlives its last use: by then the time is ahead of it. */
const COUNTER_MS = 86_400_000;

/**
 * Takes the lock, and makes its fencing token: the counter's next, but never less than Redis's time in microseconds (a whole
 * number below 2^53 until the year 2255), nor than what this gateway saw before. No name is acquired once a microsecond, so
 * the time is always ahead of the counter, and tokens go on growing after a FLUSHALL, unless the clock of Redis was set back.
 */
const ACQUIRE = `
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
local fence = math.max(last + 1, now, ARGV[3] + 1)
redis.call('SET', KEYS[2], string.format('%.0f', fence), 'PX', ARGV[4])
return fence`;

const RENEW = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`;

const RELEASE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`;

/** Where in Redis one kind of locks lives: the letters after the prefix, of the locks and of their fencing counters. */
export interface LockSpace {
  readonly lock: string;
  readonly fence: string;
}

/** The locks that clients hold. */
export const CLIENT_LOCKS: LockSpace = { lock: 'cl', fence: 'cf' };

/** The braces keep both keys of a name on one node, should Redis be a cluster. */
export function lockKey(prefix: string, { lock }: LockSpace, name: string): string {
  return `${prefix}:${lock}:{${name}}`;
}

/**
 * Locks as keys that expire. Who holds one is known by a random secret, so nobody renews or releases what another one holds by now.
 *
 * Each call answers undefined when Redis gave no answer: what was asked may still be done, or have been.
 */
export class LockScripts {
  readonly #acquire: Script;
  readonly #renew: Script;
  readonly #release: Script;
  #highest = 0;

  constructor(
    private readonly connection: RedisConnection,
    private readonly space: LockSpace,
  ) {
    this.#acquire = connection.script(ACQUIRE);
    this.#renew = connection.script(RENEW);
    this.#release = connection.script(RELEASE);
  }

  /** The fence; 0 when somebody else holds it. */
  async acquire(name: string, secret: string, ttlMs: number): Promise<number | undefined> {
    const keys = [this.#lockKey(name), `${this.connection.prefix}:${this.space.fence}:{${name}}`];
    const fence = await this.#run(this.#acquire, keys, [secret, ttlMs, this.#highest, COUNTER_MS]);
    if (fence !== undefined) this.#highest = Math.max(this.#highest, fence);
    return fence;
  }

  renew(name: string, secret: string, ttlMs: number): Promise<boolean | undefined> {
    return this.#held(this.#renew, name, [secret, ttlMs]);
  }

  release(name: string, secret: string): Promise<boolean | undefined> {
    return this.#held(this.#release, name, [secret]);
  }

  async #held(script: Script, name: string, args: (string | number)[]): Promise<boolean | undefined> {
    const answer = await this.#run(script, [this.#lockKey(name)], args);
    return answer === undefined ? undefined : answer === 1;
  }

  #lockKey(name: string): string {
    return lockKey(this.connection.prefix, this.space, name);
  }

  async #run(script: Script, keys: string[], args: (string | number)[]): Promise<number | undefined> {
    const redis = this.connection.client;
    if (redis === undefined) return undefined;
    let late: NodeJS.Timeout | undefined;
    try {
      const timeout = new Promise<undefined>((resolve) => {
        late = setTimeout(() => {
          this.connection.gotNoAnswer();
          resolve(undefined);
        }, ANSWER_MS);
      });
      const answer: unknown = await Promise.race([redis.evalsha(script.sha, keys.length, ...keys, ...args), timeout]);
      return typeof answer === 'number' ? answer : undefined;
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('NOSCRIPT')) this.connection.loadScripts();
      this.connection.logger.debug({ error }, 'a lock call failed');
      return undefined;
    } finally {
      clearTimeout(late);
    }
  }
}
