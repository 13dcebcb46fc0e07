import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import type { ServiceName } from './service.js';

const ANSWER_WITHIN_MS = 5_000;

/** Throws unless the service at the URL takes a login and answers. */
export const probes: Readonly<Record<ServiceName, (url: string) => Promise<void>>> = {
  async rabbitmq(url) {
    const connection = await connect(url, { timeout: ANSWER_WITHIN_MS });
    await connection.close();
  },
  async mysql(url) {
    const connection = await createConnection({ uri: url, connectTimeout: ANSWER_WITHIN_MS });
    await connection.query('SELECT 1');
    await connection.end();
  },
  async redis(url) {
    const client = new Redis(url, {
      lazyConnect: true,
      connectTimeout: ANSWER_WITHIN_MS,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    });
    client.on('error', () => {}); // `connect` rejects with it.
    try {
      await client.connect();
      await client.ping();
    } finally {
      client.disconnect();
    }
  },
};
