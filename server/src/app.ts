import { RabbitBroker } from './adapters/broker-rabbitmq/broker.js';
import { SqliteBroker } from './adapters/broker-sqlite/broker.js';
import { MysqlConnection } from './adapters/ledger-mysql/connection.js';
import { MysqlLedger } from './adapters/ledger-mysql/ledger.js';
import { MysqlSchedule } from './adapters/ledger-mysql/schedule.js';
import { SqliteDedupe } from './adapters/ledger-sqlite/dedupe.js';
import { SqliteLedger } from './adapters/ledger-sqlite/ledger.js';
import { SqliteSchedule } from './adapters/ledger-sqlite/schedule.js';
import { LocalClientLocks } from './adapters/locks-local/client-locks.js';
import { LocalLocks } from './adapters/locks-local/locks.js';
import { LocalMembership } from './adapters/locks-local/membership.js';
import { RedisClientLocks } from './adapters/locks-redis/client-locks.js';
import { RedisConnection } from './adapters/locks-redis/connection.js';
import { RedisDedupe } from './adapters/locks-redis/dedupe.js';
import { RedisLocks } from './adapters/locks-redis/locks.js';
import { RedisMembership } from './adapters/locks-redis/membership.js';
import { openStore } from './adapters/sqlite/store.js';
import { type Address, parseAddress } from './config/address.js';
import { engine as engineOf } from './config/engine.js';
import type { Config } from './config/schema.js';
import { Gateway } from './gateway.js';
import { type Clock, systemClock } from './ports/clock.js';
import type { Engine } from './ports/engine.js';
import type { Logger } from './ports/logger.js';

/** The composition root: the only place that names adapters. */
export function createGateway(config: Config, logger: Logger, clock: Clock = systemClock): Gateway {
  return new Gateway(config, createEngine(config, logger, clock), logger, clock);
}

/** The engine that the config asks for, not yet started. */
export function createEngine(config: Config, logger: Logger, clock: Clock): Engine {
  return engineOf(config) === 'embedded' ? embedded(config, logger, clock) : cluster(config, logger, clock);
}

function embedded(config: Config, logger: Logger, clock: Clock): Engine {
  const store = openStore({ file: config.DataFile, logger, clock });
  const broker = new SqliteBroker(store, { maxWaitingBytes: config.MaxPendingPublishBytes });
  const ledger = new SqliteLedger(store);
  const locks = new LocalLocks(clock);
  return {
    broker,
    ledger,
    schedule: new SqliteSchedule(store),
    dedupe: new SqliteDedupe(store, { windowSeconds: config.DedupeWindowSeconds }),
    locks,
    clientLocks: new LocalClientLocks(clock),
    membership: new LocalMembership(),
    services: [store, broker, ledger, locks],
    dependencies: [store],
  };
}

function cluster(config: Config, logger: Logger, clock: Clock): Engine {
  const broker = new RabbitBroker({
    url: config.AmqpUrl,
    prefix: config.BrokerPrefix,
    queueType: config.QueueType,
    maxPendingBytes: config.MaxPendingPublishBytes,
    logger,
  });
  const mysql = new MysqlConnection({
    host: config.DB_HOST,
    port: config.DB_PORT,
    user: config.DB_USERNAME,
    password: config.DB_PASSWORD,
    database: config.DB_DATABASE,
    connectionLimit: config.BackConsumerGoroutineNum,
    logger,
  });
  const redis = new RedisConnection({
    ...redisAddress(config),
    username: config.RedisUsername,
    password: config.RedisPassword,
    db: config.RedisDB,
    prefix: config.RedisPrefix,
    logger,
  });
  const ledger = new MysqlLedger(mysql, { clock });
  return {
    broker,
    ledger,
    schedule: new MysqlSchedule(mysql),
    dedupe: new RedisDedupe(redis, { windowSeconds: config.DedupeWindowSeconds }),
    locks: new RedisLocks(redis),
    clientLocks: new RedisClientLocks(redis),
    membership: new RedisMembership(redis),
    rebalance: broker.rebalance,
    services: [mysql, redis, ledger, broker],
    dependencies: [broker, mysql, redis],
  };
}

function redisAddress({ RedisAddr }: Config): Address {
  const address = parseAddress(RedisAddr);
  if (address === undefined) throw new Error(`RedisAddr is no host:port: ${RedisAddr}`);
  return address;
}
