import type { Config } from './schema.js';

/** What delivers and keeps messages: one SQLite file, or RabbitMQ, MySQL and Redis. */
export type Engine = 'embedded' | 'cluster';

export function engine(config: Pick<Config, 'AmqpUrl'>): Engine {
  return config.AmqpUrl === '' ? 'embedded' : 'cluster';
}

/** The address that both ports listen on. */
export function listenHost(config: Pick<Config, 'AmqpUrl' | 'Host'>): string {
  if (config.Host !== '') return config.Host;
  return engine(config) === 'embedded' ? '127.0.0.1' : '0.0.0.0';
}
