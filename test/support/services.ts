/** The services, as tests use them. */
import { inject } from 'vitest';
import { atTestEnd } from './cleanup.js';
import type {} from './services/global-setup.js';
import type { RabbitService, Service, ServiceUrls } from './services/service.js';
import { startOwn } from './services/start.js';

export { ensureDebianPackages } from './services/debian.js';
export type { RabbitService, Service, ServiceUrls } from './services/service.js';

/** The services that all tests share: each file works in a database and under names of its own, and breaks nothing. */
export function sharedServices(): ServiceUrls {
  const urls = inject('services');
  if (urls) return urls;
  throw new Error('This test needs services: put it under test/, without .unit. in its name (see vitest.config.ts)');
}

// A service for one test, which may break it; it is removed when the test ends. Started in a `beforeAll`, it is
// removed by the caller.

export const startRabbit = (): Promise<RabbitService> => untilTestEnd(startOwn('rabbitmq'));
export const startMariadb = (): Promise<Service> => untilTestEnd(startOwn('mysql'));
export const startRedis = (): Promise<Service> => untilTestEnd(startOwn('redis'));

async function untilTestEnd<S extends Service>(starting: Promise<S>): Promise<S> {
  const service = await starting;
  atTestEnd(() => service.remove());
  return service;
}
