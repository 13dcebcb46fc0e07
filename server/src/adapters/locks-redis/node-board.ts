import type { Redis } from 'ioredis';
import { BusError } from '../../model/errors.js';
import type { NodeBoard, NodeSheet } from '../../ports/node-board.js';
import type { RedisConnection } from './connection.js';

/** More gateways than these are not listed. */
const MAX_NODES = 1_000;

/** A sheet a gateway, each with its own end, and a sorted set of their names by the time that each was posted. */
export class RedisNodeBoard implements NodeBoard {
  constructor(private readonly connection: RedisConnection) {}

  async post(sheet: NodeSheet, ttlMs: number): Promise<void> {
    const redis = this.#redis();
    await Promise.all([
      redis.set(this.#key(sheet.name), JSON.stringify(sheet), 'PX', ttlMs),
      redis.zadd(this.#names, sheet.seenAt, sheet.name),
    ]);
  }

  async list(): Promise<NodeSheet[]> {
    const redis = this.#redis();
    const names = await redis.zrevrange(this.#names, 0, MAX_NODES - 1);
    if (names.length === 0) return [];
    const texts = await redis.mget(names.map((name) => this.#key(name)));
    const gone = names.filter((_, i) => texts[i] === null);
    if (gone.length > 0) await redis.zrem(this.#names, ...gone);
    return texts.flatMap((text) => (text === null || text === undefined ? [] : [JSON.parse(text) as NodeSheet]));
  }

  async withdraw(name: string): Promise<void> {
    const redis = this.#redis();
    await Promise.all([redis.del(this.#key(name)), redis.zrem(this.#names, name)]);
  }

  get #names(): string {
    return `${this.connection.prefix}:nodes`;
  }

  #key(name: string): string {
    return `${this.connection.prefix}:node:${name}`;
  }

  #redis(): Redis {
    const { client } = this.connection;
    if (client === undefined) throw new BusError('LOCKS_UNAVAILABLE', this.connection.health() ?? 'Redis is away');
    return client;
  }
}
