import { expect, test } from 'vitest';
import { Program } from '../support/program.js';
import { outboxLab, writeKeyed } from './lab.js';

const relay = (...args: string[]) => new Program(['server/bin/waybill.js', 'relay', ...args]);

test('waybill relay publishes what is in the table until it is interrupted, tells the lag, and tries failed rows again', async () => {
  const lab = await outboxLab('orders');
  await writeKeyed(lab, 'orders', 50, 5);
  await lab.pool.query("INSERT INTO waybill_outbox (slot, id, topic, body) VALUES (0, 'bad', 'no such topic!', 'x')");
  const where = ['--db', lab.databaseUrl, '--url', lab.gateway.rpcUrl];

  const before = relay(...where, '--lag', '--json');
  expect(await before.exit()).toBe(0);
  expect(JSON.parse(before.stdout)).toMatchObject({ rows: 51, failed: 0 });

  const running = relay(...where);
  await running.says('relay is running');
  await lab.seen(50);
  await running.says('no such topic! bad: ');
  running.kill('SIGTERM');
  expect(await running.exit()).toBe(0);
  expect(running.stdout).toContain('published 50');

  const failed = relay(...where, '--failed', '--json');
  expect(await failed.exit()).toBe(0);
  expect(JSON.parse(failed.stdout)).toMatchObject({ id: 'bad', attempts: 1 });
  const retry = relay(...where, '--retry');
  expect(await retry.exit()).toBe(0);
  expect(retry.stdout).toBe('1 rows wait again\n');
}, 180_000);

test('waybill relay without a database says what is missing', async () => {
  const program = relay();
  expect(await program.exit()).toBe(1);
  expect(program.stderr).toContain('--db is missing');
});
