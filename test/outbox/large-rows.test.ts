import { createOutbox, outboxTables, type Transaction } from '@waybill/sdk/outbox';
import { expect, onTestFinished, test } from 'vitest';
import { MYSQL } from './libraries.js';
import { mysqlPlace } from './places.js';

const MiB = 1 << 20;

test('many large messages are written though together they are more than MySQL takes in one statement', async () => {
  const place = await mysqlPlace();
  onTestFinished(() => place.remove());
  for (const statement of outboxTables('mysql')) await place.run(statement);
  const library = await MYSQL['mysql2/promise']?.(place.url);
  onTestFinished(async () => {
    await library?.close();
  });
  const sizes = [5 * MiB, ...Array.from({ length: 40 }, () => MiB), 10];
  await library?.transaction(async (tx: Transaction) => {
    const items = sizes.map((bytes, i) => ({ body: Buffer.alloc(bytes, 'x'), id: `m${i}` }));
    expect(await createOutbox().publishMany(tx, 'orders', items)).toHaveLength(sizes.length);
  });
  const [rows] = (await place.run('SELECT id, LENGTH(body) AS bytes FROM waybill_outbox ORDER BY seq')) as [unknown];
  expect(rows).toEqual(sizes.map((bytes, i) => ({ id: `m${i}`, bytes })));
});
