import { randomUUID } from 'node:crypto';
import type { Lock, Locks } from '../../ports/locks.js';
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

/**
 * Locks as keys that expire. Who holds one is known by a random token, so nobody renews or releases what another one holds
 * by now.
 */
export class RedisLocks implements Locks {
  readonly name = 'redis';
  readonly #connection: RedisConnection;
  readonly #acquire: Script;
  readonly #renew: Script;
  readonly #release: Script;
  #highest = 0;

  constructor(connection: RedisConnection) {
    this.#connection = connection;
    this.#acquire = connection.script(ACQUIRE);
    this.#renew = connection.script(RENEW);
    this.#release = connection.script(RELEASE);
  }

  /** The connection is started and stopped by whoever made it; this is safe beside it. */
  start(): Promise<void> {
    return this.#connection.start();
  }

  stop(): Promise<void> {
    return this.#connection.stop();
  }

  health(): string | undefined {
    return this.#connection.health();
  }

  async acquire(name: string, ttlMs: number): Promise<Lock | undefined> {
    const { prefix } = this.#connection;
    // The braces keep both keys on one node, should Redis be a cluster.
    const key = `${prefix}:l:{${name}}`;
    const token = randomUUID();
    const asked = performance.now();
    const counter = `${prefix}:f:{${name}}`;
    const fence = await this.#run(this.#acquire, [key, counter], [token, ttlMs, this.#highest, COUNTER_MS]);
    if (fence === undefined || fence === 0) return undefined;
    this.#highest = Math.max(this.#highest, fence);
    const lock = new HeldLock(fence, ttlMs, asked, (script, args) =>
      this.#run(script === 'renew' ? this.#renew : this.#release, [key], [token, ...args]),
    );
    return lock.ranOut ? undefined : lock;
  }

  /** Undefined: no answer. The script may still run, or have run. */
  async #run(script: Script, keys: string[], args: (string | number)[]): Promise<number | undefined> {
    const redis = this.#connection.client;
    if (redis === undefined) return undefined;
    let late: NodeJS.Timeout | undefined;
    try {
      const timeout = new Promise<undefined>((resolve) => {
        late = setTimeout(() => {
          this.#connection.gotNoAnswer();
          resolve(undefined);
        }, ANSWER_MS);
      });
      const answer: unknown = await Promise.race([redis.evalsha(script.sha, keys.length, ...keys, ...args), timeout]);
      return typeof answer === 'number' ? answer : undefined;
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('NOSCRIPT')) this.#connection.loadScripts();
      this.#connection.logger.debug({ error }, 'a lock call failed');
      return undefined;
    } finally {
      clearTimeout(late);
    }
  }
}

type Call = (script: 'renew' | 'release', args: number[]) => Promise<number | undefined>;

class HeldLock implements Lock {
  #until: number;
  #lost = false;

  /** `asked`: when Redis was asked, which is at the latest when the lock's time began. */
  constructor(
    readonly fence: number,
    readonly ttlMs: number,
    asked: number,
    readonly call: Call,
  ) {
    this.#until = asked + ttlMs;
  }

  get ranOut(): boolean {
    return performance.now() >= this.#until;
  }

  /** True also when Redis gave no answer, as long as the lock can't have run out. */
  async renew(): Promise<boolean> {
    if (this.#lost) return false;
    const asked = performance.now();
    const renewed = await this.call('renew', [this.ttlMs]);
    if (renewed === 1) this.#until = asked + this.ttlMs;
    this.#lost = renewed === 0 || this.ranOut;
    return !this.#lost;
  }

  async release(): Promise<void> {
    if (this.#lost) return;
    this.#lost = true;
    await this.call('release', []);
  }
}
