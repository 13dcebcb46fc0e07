import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import { type ServiceUrls, sharedServices } from './services.js';

/** A place of its own on the services: a fresh database, and a prefix for the names in RabbitMQ and Redis. */
export class ClusterSpace {
  readonly services: ServiceUrls;
  readonly prefix: string;
  readonly database: string;
  readonly #own: Partial<ServiceUrls>;

  /** On the shared services, but for those that the test names as its own. */
  static async create(own: Partial<ServiceUrls> = {}): Promise<ClusterSpace> {
    const space = new ClusterSpace(own);
    await space.#query(`CREATE DATABASE ${space.database}`);
    return space;
  }

  private constructor(own: Partial<ServiceUrls>) {
    const id = randomBytes(5).toString('hex');
    this.services = { ...sharedServices(), ...own };
    this.#own = own;
    this.prefix = `test-${id}`;
    this.database = `waybill_test_${id}`;
  }

  /** The config keys that place a gateway here. */
  get settings() {
    const mysql = new URL(this.services.mysql);
    const redis = new URL(this.services.redis);
    return {
      AmqpUrl: this.services.rabbitmq,
      BrokerPrefix: this.prefix,
      DB_HOST: mysql.hostname,
      DB_PORT: mysql.port || '3306',
      DB_DATABASE: this.database,
      DB_USERNAME: decodeURIComponent(mysql.username),
      DB_PASSWORD: decodeURIComponent(mysql.password),
      RedisAddr: `${redis.hostname}:${redis.port || '6379'}`,
      RedisDB: redis.pathname.slice(1) || '0',
      RedisUsername: decodeURIComponent(redis.username),
      RedisPassword: decodeURIComponent(redis.password),
      RedisPrefix: this.prefix,
    };
  }

  /** The URL of the database itself, for a test that looks into the ledger. */
  get databaseUrl(): string {
    const url = new URL(this.services.mysql);
    url.pathname = `/${this.database}`;
    return url.href;
  }

  /**
   * Drops the database and the Redis keys. A test's own services take theirs with them, and need not even run by now.
   * Queues stay, as AMQP cannot list them: the shared broker ends with the tests, unless WAYBILL_TEST_AMQP_URL names one.
   */
  async remove(): Promise<void> {
    if (!this.#own.mysql) await this.#query(`DROP DATABASE ${this.database}`);
    if (!this.#own.redis) await this.#removeKeys();
  }

  async #removeKeys(): Promise<void> {
    const redis = new Redis(this.services.redis);
    try {
      for await (const keys of redis.scanStream({ match: `${this.prefix}*`, count: 1_000 })) {
        if (keys.length > 0) await redis.unlink(...keys);
      }
    } finally {
      redis.disconnect();
    }
  }

  async #query(sql: string): Promise<void> {
    const connection = await createConnection(this.services.mysql);
    try {
      await connection.query(sql);
    } finally {
      await connection.end();
    }
  }
}
