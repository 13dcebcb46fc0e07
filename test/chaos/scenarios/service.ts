import type { Scenario } from '../scenario.js';
import { consumerCancelled } from './consumer-cancelled.js';
import { mysqlCommitUnknown } from './mysql-commit-unknown.js';
import { mysqlDeadlock } from './mysql-deadlock.js';
import { mysqlReadOnly } from './mysql-read-only.js';
import { mysqlTooManyConnections } from './mysql-too-many-connections.js';
import { queueDeleted } from './queue-deleted.js';
import { rabbitmqAlarm } from './rabbitmq-alarm.js';
import { rabbitmqKilled } from './rabbitmq-killed.js';
import { redisFlushed } from './redis-flushed.js';
import { redisFrozen } from './redis-frozen.js';
import { allStopped, mysqlStopped, rabbitmqStopped, redisStopped } from './service-stopped.js';

/** What befalls RabbitMQ, MySQL and Redis. */
export const SERVICE_SCENARIOS: readonly Scenario[] = [
  rabbitmqStopped,
  rabbitmqKilled,
  rabbitmqAlarm,
  queueDeleted,
  consumerCancelled,
  mysqlStopped,
  mysqlTooManyConnections,
  mysqlDeadlock,
  mysqlReadOnly,
  mysqlCommitUnknown,
  redisStopped,
  redisFrozen,
  redisFlushed,
  allStopped,
];
