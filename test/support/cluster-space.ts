import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { clusterSettings, databaseUrl, runSql } from './cluster-settings.js';
import { type ServiceUrls, sharedServices } from './services.js';

/** A place of its own on the services: a fresh database, and a prefix for the names in RabbitMQ and Redis. */
export class ClusterSpace {
  readonly services: ServiceUrls;
  readonly prefix: string;
  readonly database: string;
  readonly #own: Partial<ServiceUrls>;

  /** On the shared services, but for those that the test names as its own. A program that is no test says which are shared. */
  static async create(own: Partial<ServiceUrls> = {}, shared = sharedServices()): Promise<ClusterSpace> {
    const space = new ClusterSpace(own, shared);
    await runSql(space.services.mysql, `CREATE DATABASE ${space.database}`);
    return space;
  }

  private constructor(own: Partial<ServiceUrls>, shared: ServiceUrls) {
    const id = randomBytes(5).toString('hex');
    this.services = { ...shared, ...own };
    this.#own = own;
    this.prefix = `test-${id}`;
    this.database = `waybill_test_${id}`;
  }

  /** The config keys that place a gateway here. */
  get settings() {
    return clusterSettings(this.services, this.prefix, this.database);
  }

  /** The URL of the database itself, for a test that looks into the ledger. */
  get databaseUrl(): string {
    return databaseUrl(this.services, this.database);
  }

  /**
   * Drops the database and the Redis keys. A test's own services take theirs with them, and need not even run by now.
   * Queues stay, as AMQP cannot list them: the shared broker ends with the tests, unless WAYBILL_TEST_AMQP_URL names one.
   */
  async remove(): Promise<void> {
    if (!this.#own.mysql) await runSql(this.services.mysql, `DROP DATABASE ${this.database}`);
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
}
