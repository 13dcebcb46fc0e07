import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { RabbitBroker } from './adapters/broker-rabbitmq/broker.js';
import { SqliteBroker } from './adapters/broker-sqlite/broker.js';
import { SqliteQueues } from './adapters/broker-sqlite/queues.js';
import { MysqlAuditLog } from './adapters/ledger-mysql/audit-log.js';
import { MysqlBacklogs } from './adapters/ledger-mysql/backlogs.js';
import { MysqlConnection } from './adapters/ledger-mysql/connection.js';
import { MysqlCronBook, MysqlCronTicks } from './adapters/ledger-mysql/cron.js';
import { MysqlInspector } from './adapters/ledger-mysql/inspector.js';
import { MysqlLedger } from './adapters/ledger-mysql/ledger.js';
import { MysqlOperator } from './adapters/ledger-mysql/operator.js';
import { MysqlSchedule } from './adapters/ledger-mysql/schedule.js';
import { SqliteAuditLog } from './adapters/ledger-sqlite/audit-log.js';
import { SqliteBacklogs } from './adapters/ledger-sqlite/backlogs.js';
import { SqliteCronBook, SqliteCronTicks } from './adapters/ledger-sqlite/cron.js';
import { SqliteDedupe } from './adapters/ledger-sqlite/dedupe.js';
import { SqliteInspector } from './adapters/ledger-sqlite/inspector.js';
import { SqliteLedger } from './adapters/ledger-sqlite/ledger.js';
import { SqliteOperator } from './adapters/ledger-sqlite/operator.js';
import { SqliteSchedule } from './adapters/ledger-sqlite/schedule.js';
import { LocalClientLocks } from './adapters/locks-local/client-locks.js';
import { LocalLocks } from './adapters/locks-local/locks.js';
import { LocalMembership } from './adapters/locks-local/membership.js';
import { LocalNodeBoard } from './adapters/locks-local/node-board.js';
import { RedisClientLocks } from './adapters/locks-redis/client-locks.js';
import { RedisConnection } from './adapters/locks-redis/connection.js';
import { RedisDedupe } from './adapters/locks-redis/dedupe.js';
import { RedisLockRegister } from './adapters/locks-redis/lock-register.js';
import { RedisLocks } from './adapters/locks-redis/locks.js';
import { RedisMembership } from './adapters/locks-redis/membership.js';
import { RedisNodeBoard } from './adapters/locks-redis/node-board.js';
import { openStore } from './adapters/sqlite/store.js';
import { type Address, parseAddress, splitAmqpUrls } from './config/address.js';
import { engine as engineOf } from './config/engine.js';
import type { Config } from './config/schema.js';
import { Gateway, type GatewayOptions } from './gateway.js';
import { type Clock, systemClock } from './ports/clock.js';
import type { Engine } from './ports/engine.js';
import type { Logger } from './ports/logger.js';
import { type Meters, silentMeters } from './ports/telemetry.js';

/** The composition root: the only place that names adapters. */
export function createGateway(
  config: Config,
  logger: Logger,
  clock: Clock = systemClock,
  options: GatewayOptions = {},
): Gateway {
  return new Gateway(config, createEngine(config, logger, clock, options.telemetry?.meters), logger, clock, options);
}

/** The engine that the config asks for, not yet started. */
export function createEngine(config: Config, logger: Logger, clock: Clock, meters: Meters = silentMeters): Engine {
  return engineOf(config) === 'embedded'
    ? embedded(config, logger, clock, meters)
    : cluster(config, logger, clock, meters);
}

/** A ledger takes visible ASCII of a bounded length for it. */
function nodeName(): string {
  const host = hostname()
    .replace(/[^\x21-\x7e]/g, '-')
    .slice(0, 64);
  return `${host}-${randomUUID().slice(0, 8)}`;
}

function embedded(config: Config, logger: Logger, clock: Clock, meters: Meters): Engine {
  const node = nodeName();
  const store = openStore({ file: config.DataFile, logger, clock, meters });
  const broker = new SqliteBroker(store, { maxWaitingBytes: config.MaxPendingPublishBytes });
  const ledger = new SqliteLedger(store, { node });
  const locks = new LocalLocks(clock);
  const clientLocks = new LocalClientLocks(clock, node);
  return {
    node,
    broker,
    ledger,
    schedule: new SqliteSchedule(store),
    inspector: new SqliteInspector(store),
    backlogs: new SqliteBacklogs(store),
    operator: new SqliteOperator(store),
    auditLog: new SqliteAuditLog(store),
    cron: new SqliteCronBook(store),
    cronTicks: new SqliteCronTicks(store),
    queues: new SqliteQueues(broker),
    nodes: new LocalNodeBoard(),
    dedupe: new SqliteDedupe(store, { windowSeconds: config.DedupeWindowSeconds }),
    locks,
    clientLocks,
    lockRegister: clientLocks,
    membership: new LocalMembership(),
    services: [store, broker, ledger, locks],
    dependencies: [store],
  };
}

function cluster(config: Config, logger: Logger, clock: Clock, meters: Meters): Engine {
  const node = nodeName();
  const broker = new RabbitBroker({
    url: splitAmqpUrls(config.AmqpUrl),
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
  const ledger = new MysqlLedger(mysql, { clock, meters, node });
  return {
    node,
    broker,
    ledger,
    schedule: new MysqlSchedule(mysql),
    inspector: new MysqlInspector(mysql),
    backlogs: new MysqlBacklogs(mysql),
    operator: new MysqlOperator(mysql),
    auditLog: new MysqlAuditLog(mysql),
    cron: new MysqlCronBook(mysql),
    cronTicks: new MysqlCronTicks(mysql),
    queues: broker.queues,
    nodes: new RedisNodeBoard(redis),
    dedupe: new RedisDedupe(redis, { windowSeconds: config.DedupeWindowSeconds }),
    locks: new RedisLocks(redis),
    clientLocks: new RedisClientLocks(redis),
    lockRegister: new RedisLockRegister(redis, node),
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
