import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClusterSpace } from '../support/cluster-space.js';
import { phpunit, preparePhp } from './php.js';

let space: ClusterSpace;

beforeAll(async () => {
  await preparePhp();
  space = await ClusterSpace.create();
}, 900_000);
afterAll(() => space?.remove());

// Together: a minute of each is a handler that blocks.
test.concurrent('the PHP package works on the embedded engine', { timeout: 600_000 }, async () => {
  expect(await phpunit('bus', { timeoutMs: 590_000 })).toBeGreaterThan(40);
});

test.concurrent('the PHP package works on the cluster engine', { timeout: 600_000 }, async () => {
  const env = { WAYBILL_TEST_SETTINGS: JSON.stringify(space.settings) };
  expect(await phpunit('bus', { env, timeoutMs: 590_000 })).toBeGreaterThan(40);
});
