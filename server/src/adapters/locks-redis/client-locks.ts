import { randomUUID } from 'node:crypto';
import { BusError } from '../../model/errors.js';
import type { LockKey } from '../../model/lock.js';
import type { ClientLock, ClientLocks } from '../../ports/client-locks.js';
import type { RedisConnection } from './connection.js';
import { CLIENT_LOCKS, LockScripts } from './lock-scripts.js';

/** Locks of clients, under keys of their own. */
export class RedisClientLocks implements ClientLocks {
  readonly #scripts: LockScripts;

  constructor(private readonly connection: RedisConnection) {
    this.#scripts = new LockScripts(connection, CLIENT_LOCKS);
  }

  async acquire(name: string, ttlMs: number): Promise<ClientLock | undefined> {
    const secret = randomUUID();
    const fence = this.#answer(await this.#scripts.acquire(name, secret, ttlMs));
    return fence === 0 ? undefined : { name, secret, fence };
  }

  async renew({ name, secret }: LockKey, ttlMs: number): Promise<boolean> {
    return this.#answer(await this.#scripts.renew(name, secret, ttlMs));
  }

  async release({ name, secret }: LockKey): Promise<boolean> {
    return this.#answer(await this.#scripts.release(name, secret));
  }

  #answer<T>(answer: T | undefined): T {
    if (answer !== undefined) return answer;
    throw new BusError('LOCKS_UNAVAILABLE', `${this.connection.health() ?? 'Redis gave no answer'}: try again later`);
  }
}
