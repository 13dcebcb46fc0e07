import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type Address, parseAddress, splitAmqpUrls } from './config/address.js';
import { engine as engineOf } from './config/engine.js';
import type { Config } from './config/schema.js';
import { Gateway, type GatewayOptions } from './gateway.js';
import { type Clock, systemClock } from './ports/clock.js';
import type { Engine } from './ports/engine.js';
import type { Logger } from './ports/logger.js';
import { type Meters, silentMeters } from './ports/telemetry.js';

/** The composition root: the only place that names adapters. */
export async function createGateway(
  config: Config,
  logger: Logger,
  clock: Clock = systemClock,
  options: GatewayOptions = {},
): Promise<Gateway> {
  const engine = await createEngine(config, logger, clock, options.telemetry?.meters);
  return new Gateway(config, engine, logger, clock, options);
}

/**
 * The engine that the config asks for, not yet started. Its adapters are loaded here, and those of the other engine are not: with their
 * libraries they are 30 MB of memory to a process that has one SQLite file.
 */
export function createEngine(
  config: Config,
  logger: Logger,
  clock: Clock,
  meters: Meters = silentMeters,
): Promise<Engine> {
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

async function embedded(config: Config, logger: Logger, clock: Clock, meters: Meters): Promise<Engine> {
  const { SqliteBroker } = await import('./adapters/broker-sqlite/broker.js');
  const { SqliteQueues } = await import('./adapters/broker-sqlite/queues.js');
  const { SqliteAuditLog } = await import('./adapters/ledger-sqlite/audit-log.js');
  const { SqliteBacklogs } = await import('./adapters/ledger-sqlite/backlogs.js');
  const { SqliteCronBook, SqliteCronTicks } = await import('./adapters/ledger-sqlite/cron.js');
  const { SqliteDedupe } = await import('./adapters/ledger-sqlite/dedupe.js');
  const { SqliteInspector } = await import('./adapters/ledger-sqlite/inspector.js');
  const { SqliteLedger } = await import('./adapters/ledger-sqlite/ledger.js');
  const { SqliteOperator } = await import('./adapters/ledger-sqlite/operator.js');
  const { SqliteSchedule } = await import('./adapters/ledger-sqlite/schedule.js');
  const { LocalClientLocks } = await import('./adapters/locks-local/client-locks.js');
  const { LocalLocks } = await import('./adapters/locks-local/locks.js');
  const { LocalMembership } = await import('./adapters/locks-local/membership.js');
  const { LocalNodeBoard } = await import('./adapters/locks-local/node-board.js');
  const { openStore } = await import('./adapters/sqlite/store.js');
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

async function cluster(config: Config, logger: Logger, clock: Clock, meters: Meters): Promise<Engine> {
  const { RabbitBroker } = await import('./adapters/broker-rabbitmq/broker.js');
  const { MysqlAuditLog } = await import('./adapters/ledger-mysql/audit-log.js');
  const { MysqlBacklogs } = await import('./adapters/ledger-mysql/backlogs.js');
  const { MysqlConnection } = await import('./adapters/ledger-mysql/connection.js');
  const { MysqlCronBook, MysqlCronTicks } = await import('./adapters/ledger-mysql/cron.js');
  const { MysqlInspector } = await import('./adapters/ledger-mysql/inspector.js');
  const { MysqlLedger } = await import('./adapters/ledger-mysql/ledger.js');
  const { MysqlOperator } = await import('./adapters/ledger-mysql/operator.js');
  const { MysqlSchedule } = await import('./adapters/ledger-mysql/schedule.js');
  const { RedisClientLocks } = await import('./adapters/locks-redis/client-locks.js');
  const { RedisConnection } = await import('./adapters/locks-redis/connection.js');
  const { RedisDedupe } = await import('./adapters/locks-redis/dedupe.js');
  const { RedisLockRegister } = await import('./adapters/locks-redis/lock-register.js');
  const { RedisLocks } = await import('./adapters/locks-redis/locks.js');
  const { RedisMembership } = await import('./adapters/locks-redis/membership.js');
  const { RedisNodeBoard } = await import('./adapters/locks-redis/node-board.js');
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
    maxMessageBytes: config.MaxMessageBytes,
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
    dedupe: new RedisDedupe(redis, {
      windowSeconds: config.DedupeWindowSeconds,
      // Nothing was handed out yet where there is no channel; what was parked is known by its id.
      isFresh: async () => (await ledger.channels(true)).length === 0,
      clock,
    }),
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
