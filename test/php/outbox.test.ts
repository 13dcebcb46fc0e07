import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostgres } from '../outbox/postgres.js';
import { ClusterSpace } from '../support/cluster-space.js';
import { phpunit, preparePhp } from './php.js';

let space: ClusterSpace;
let postgres: Awaited<ReturnType<typeof startPostgres>>;

beforeAll(async () => {
  await preparePhp();
  space = await ClusterSpace.create();
  postgres = await startPostgres();
}, 900_000);
afterAll(async () => {
  await postgres?.remove();
  await space?.remove();
});

test('the outbox, its relay and the inbox of the PHP package work on SQLite, MySQL and PostgreSQL', {
  timeout: 600_000,
}, async () => {
  const env = { WAYBILL_TEST_MYSQL_URL: space.databaseUrl, WAYBILL_TEST_POSTGRES_URL: postgres.url };
  expect(await phpunit('outbox', { env, timeoutMs: 590_000 })).toBeGreaterThan(80);
});

test('the relay of the PHP package publishes to the cluster engine', { timeout: 600_000 }, async () => {
  const env = { WAYBILL_TEST_SETTINGS: JSON.stringify(space.settings) };
  expect(await phpunit('outbox', { env, timeoutMs: 590_000 })).toBeGreaterThan(30);
});
