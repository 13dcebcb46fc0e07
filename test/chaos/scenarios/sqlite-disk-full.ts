import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BusClient } from '../../support/client.js';
import { until } from '../../support/until.js';
import { need } from '../need.js';
import { room } from '../room.js';
import type { Scenario } from '../scenario.js';
import { Traffic } from '../traffic.js';

const UNAVAILABLE = 14;
const RESOURCE_EXHAUSTED = 8;
const DISK_BYTES = 256 * 1024 * 1024;

export const sqliteDiskFull: Scenario = {
  name: 'sqlite-disk-full',
  title: 'the disk is full: publishes answer an error, the gateway lives, and goes on by itself when there is room',
  engines: ['embedded'],
  async play(stage) {
    const space = await room(stage, DISK_BYTES);
    const gateway = await stage.gateway({ DataFile: join(space.folder, 'waybill.db') });
    const client = new BusClient(gateway.rpcUrl);
    stage.atEnd(async () => client.close());
    const { pid = 0 } = gateway;
    const traffic = await Traffic.start(stage, [gateway.rpcUrl], {
      rate: 1_000,
      bodyBytes: 1_024,
      connect: { deadline: '1s' },
    });
    await traffic.flows(stage.pick(3_000, 500));

    await space.fill(pid);
    const fullAt = performance.now();
    await until(async () => {
      const code = await client.publishOne({ topic: 'full', body: 'x'.repeat(100_000) }, 5_000).then(
        () => undefined,
        (error: { readonly code?: number }) => error.code,
      );
      need(
        code === UNAVAILABLE || code === RESOURCE_EXHAUSTED,
        `a publish on a full disk was answered with ${code ?? 'OK'}`,
      );
    }, 10_000);
    await until(async () => {
      const { status } = await fetch(`${gateway.httpUrl}/readyz`);
      need(status === 503, `readiness said ${status} while the disk was full`);
    }, 5_000);
    await delay(fullAt + stage.pick(60_000, 4_000) - performance.now());
    await space.free(pid);
    const recovered = await traffic.recovered();
    const outcome = await traffic.finish(recovered);
    need(traffic.failures > 0, 'no publish was answered with an error');
    need(gateway.pid === pid, 'the gateway ended');
    return outcome;
  },
};
