import { fileURLToPath } from 'node:url';
import { createRelay } from '@waybill/sdk/outbox';
import { expect, test } from 'vitest';
import { Program } from '../support/program.js';
import { until } from '../support/until.js';
import { outboxLab, writeKeyed } from './lab.js';

const PROCESS = fileURLToPath(new URL('relay-process.mjs', import.meta.url));
const ROWS = 600;

test('a relay that is frozen for longer than its lease, and goes on, neither repeats nor reorders anything', async () => {
  const lab = await outboxLab('orders');
  const frozen = new Program([PROCESS, lab.databaseUrl, lab.gateway.rpcUrl, 'none']);
  await frozen.says('started');
  await writeKeyed(lab, 'orders', ROWS, 20);
  await lab.seen(20);
  frozen.kill('SIGSTOP');
  const relay = createRelay({ bus: lab.bus, database: lab.pool, lease: '1s', tick: '50ms' });
  await relay.start();
  await lab.seen(ROWS);
  frozen.kill('SIGCONT');
  await until(async () => expect(await lab.rows()).toBe(0), 30_000);
  await relay.stop();

  // It works as before.
  await writeKeyed(lab, 'orders', 20, 20, 'later');
  await lab.seen(ROWS + 20);
  expect(lab.checker.duplicated).toBe(0);
  expect(lab.checker.outOfOrder).toBe(0);
});

test('rows wait while the gateway is away, cost no attempts, and go when it is back', async () => {
  const lab = await outboxLab('orders');
  const relay = createRelay({ bus: lab.bus, database: lab.pool, lease: '1s', maxAttempts: 1, onError: () => {} });
  await relay.start();
  await lab.gateway.stop();
  await writeKeyed(lab, 'orders', 100, 10);
  await until(async () => expect((await relay.lag()).oldestMs).toBeGreaterThan(1_500), 30_000);
  expect(await relay.lag()).toMatchObject({ rows: 100, failed: 0 });
  await lab.gateway.start();
  await lab.seen(100);
  await until(async () => expect(await lab.rows()).toBe(0), 30_000);
  await relay.stop();
  expect(lab.checker.outOfOrder).toBe(0);
});
