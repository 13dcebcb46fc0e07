import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { BusClient } from '../support/client.js';
import { type Gateway, startGateway } from '../support/gateway.js';
import { tempFolder } from '../support/reaper.js';

const FILES = ['waybill.db', 'waybill.db-wal'];

function clientOf(gateway: Gateway): BusClient {
  const client = new BusClient(gateway.rpcUrl);
  onTestFinished(() => client.close());
  return client;
}

/** Copies what there is of the data file, as docs/operations.md says. */
function backUp(gateway: Gateway): string {
  const { path, remove } = tempFolder('backup');
  onTestFinished(remove);
  for (const file of FILES) {
    if (existsSync(join(gateway.folder, file))) copyFileSync(join(gateway.folder, file), join(path, file));
  }
  return join(path, 'waybill.db');
}

test.each(['frozen', 'stopped'] as const)(
  'a copy of the data file of a gateway that is %s holds all that was answered OK',
  async (how) => {
    const gateway = await startGateway('embedded', { DrainSeconds: 1 });
    const client = clientOf(gateway);
    const consumer = await client.subscribe('orders', 'mail', { credit: 1_000 });
    const published = await client.publish(Array.from({ length: 200 }, (_, i) => ({ topic: 'orders', id: `m${i}` })));
    expect(new Set(published.map(({ outcome }) => outcome))).toEqual(new Set(['accepted']));
    const received = await consumer.take(200);
    expect(new Set(await consumer.ack(received.slice(0, 50).map(({ receipt }) => receipt)))).toEqual(new Set(['ok']));
    await client.publishOne({ topic: 'orders', id: 'later', delayMs: 3_600_000 });

    if (how === 'frozen') gateway.pause();
    else await gateway.stop();
    const copy = backUp(gateway);
    if (how === 'frozen') {
      gateway.resume();
      // It goes on as if nothing had been.
      expect(await client.publishOne({ topic: 'orders', id: 'after' })).toMatchObject({ outcome: 'accepted' });
    }

    const restored = await startGateway('embedded', { DataFile: copy });
    const again = clientOf(restored);
    const back = await again.subscribe('orders', 'mail', { credit: 1_000 });
    const ids = (await back.take(150)).map(({ id }) => id);
    const acked = new Set(received.slice(0, 50).map(({ id }) => id));
    expect(new Set(ids)).toEqual(new Set(received.map(({ id }) => id).filter((id) => !acked.has(id))));
    await again.cancel('orders', 'later');
    await expect(again.cancel('orders', 'after')).rejects.toThrow('no message "after"');
  },
);
