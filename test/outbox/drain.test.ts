import { connect } from '@waybill/sdk';
import { createRelay } from '@waybill/sdk/outbox';
import { expect, test } from 'vitest';
import { until } from '../support/until.js';
import { outboxLab, writeKeyed } from './lab.js';

const ROWS = 100_000;

test('two relays drain 100,000 rows', async () => {
  const lab = await outboxLab('orders', 500);
  const begun = performance.now();
  for (let i = 0; i < ROWS; i += 10_000) await writeKeyed(lab, 'orders', 10_000, 5_000);
  const written = performance.now();
  const buses = await Promise.all([connect({ url: lab.gateway.rpcUrl }), connect({ url: lab.gateway.rpcUrl })]);
  const relays = buses.map((bus) => createRelay({ bus, database: lab.pool }));
  await Promise.all(relays.map((relay) => relay.start()));
  const published = () => relays.reduce((rows, relay) => rows + relay.published, 0);
  await until(async () => expect(published()).toBe(ROWS), 200_000);
  const drained = performance.now();
  await Promise.all(relays.map((relay) => relay.stop()));
  await lab.seen(ROWS, 60_000);
  const rate = (ms: number) => `${Math.round(ROWS / (ms / 1_000)).toLocaleString('en')}/s`;
  console.log(`outbox: written ${rate(written - begun)}, drained by two relays ${rate(drained - written)}`);
  console.log(`outbox: by relay ${relays.map(({ published }) => published).join(' and ')}`);
  await Promise.all(buses.map((bus) => bus.close()));
  expect(lab.checker.duplicated).toBe(0);
}, 300_000);
