import type { Redis } from 'ioredis';
import { BusError } from '../../model/errors.js';
import type { Membership } from '../../ports/membership.js';
import type { RedisConnection } from './connection.js';

/** A sorted set of gateways, by the time until which each is taken for alive, on Redis's clock in milliseconds. */
const ANNOUNCE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])`;

export class RedisMembership implements Membership {
  readonly #announce;

  constructor(private readonly connection: RedisConnection) {
    this.#announce = connection.script(ANNOUNCE);
  }

  async announce(job: string, gateway: string, ttlMs: number): Promise<number> {
    try {
      return Number(await this.#redis().evalsha(this.#announce.sha, 1, this.#key(job), gateway, ttlMs));
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('NOSCRIPT')) this.connection.loadScripts();
      throw error;
    }
  }

  async leave(job: string, gateway: string): Promise<void> {
    await this.#redis().zrem(this.#key(job), gateway);
  }

  #key(job: string): string {
    return `${this.connection.prefix}:gateways:${job}`;
  }

  #redis(): Redis {
    const { client } = this.connection;
    if (client === undefined) throw new BusError('LEDGER_UNAVAILABLE', this.connection.health() ?? 'Redis is away');
    return client;
  }
}
