import { fileURLToPath } from 'node:url';
import { createRelay } from '@waybill/sdk/outbox';
import { expect, test } from 'vitest';
import { Program } from '../support/program.js';
import { until } from '../support/until.js';
import { outboxLab, writeKeyed } from './lab.js';

const PROCESS = fileURLToPath(new URL('relay-process.mjs', import.meta.url));
const ROWS = 200;

for (const step of ['claimed', 'read', 'sent', 'confirmed', 'removed', 'given back']) {
  test(`a relay that is killed once rows are ${step} loses nothing, and consumers see no duplicate`, async () => {
    const lab = await outboxLab('orders');
    await writeKeyed(lab, 'orders', ROWS, 20);
    const dying = new Program([PROCESS, lab.databaseUrl, lab.gateway.rpcUrl, step]);
    expect(await dying.exit()).toBeNull();

    const relay = createRelay({ bus: lab.bus, database: lab.pool, lease: '1s', tick: '50ms' });
    await relay.start();
    await lab.seen(ROWS);
    await until(async () => expect(await relay.lag()).toMatchObject({ rows: 0, failed: 0 }), 30_000);
    await relay.stop();
    expect(lab.checker).toMatchObject({ duplicated: 0, outOfOrder: 0 });
  });
}
