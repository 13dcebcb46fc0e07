import { createConnection } from 'mysql2/promise';
import type { ServiceUrls } from './services/service.js';

/** The config keys that place a gateway on these services: under this prefix in RabbitMQ and Redis, in this database. */
export function clusterSettings(services: ServiceUrls, prefix: string, database: string) {
  const mysql = new URL(services.mysql);
  const redis = new URL(services.redis);
  return {
    AmqpUrl: services.rabbitmq,
    BrokerPrefix: prefix,
    DB_HOST: mysql.hostname,
    DB_PORT: mysql.port || '3306',
    DB_DATABASE: database,
    DB_USERNAME: decodeURIComponent(mysql.username),
    DB_PASSWORD: decodeURIComponent(mysql.password),
    RedisAddr: `${redis.hostname}:${redis.port || '6379'}`,
    RedisDB: redis.pathname.slice(1) || '0',
    RedisUsername: decodeURIComponent(redis.username),
    RedisPassword: decodeURIComponent(redis.password),
    RedisPrefix: prefix,
  };
}

/** The URL of one database of the server. */
export function databaseUrl(services: ServiceUrls, database: string): string {
  const url = new URL(services.mysql);
  url.pathname = `/${database}`;
  return url.href;
}

/** Runs one statement, such as one that makes or drops a database. */
export async function runSql(url: string, sql: string): Promise<void> {
  const connection = await createConnection(url);
  try {
    await connection.query(sql);
  } finally {
    await connection.end();
  }
}
