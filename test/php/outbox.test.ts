import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClusterSpace } from '../support/cluster-space.js';
import { phpunit, preparePhp } from './php.js';

let space: ClusterSpace;

beforeAll(async () => {
  await preparePhp();
  space = await ClusterSpace.create();
}, 900_000);
afterAll(() => space?.remove());

test('the outbox, its relay and the inbox of the PHP package work on SQLite and MySQL', {
  timeout: 600_000,
}, async () => {
  const env = { WAYBILL_TEST_MYSQL_URL: space.databaseUrl };
  expect(await phpunit('outbox', { env, timeoutMs: 590_000 })).toBeGreaterThan(40);
});

test('the relay of the PHP package publishes to the cluster engine', { timeout: 600_000 }, async () => {
  const env = { WAYBILL_TEST_SETTINGS: JSON.stringify(space.settings) };
  expect(await phpunit('outbox', { env, timeoutMs: 590_000 })).toBeGreaterThan(30);
});
