import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { gatewayGroup, startGateway } from './gateway.js';

test('a gateway keeps its ports and its folder over a restart, a kill and an orderly stop', async () => {
  const gateway = await startGateway('embedded');
  const first = gateway.pid;
  await gateway.restart();
  expect(gateway.pid).not.toBe(first);
  await gateway.kill();
  expect(gateway.pid).toBeUndefined();
  await gateway.start();
  expect((await fetch(`${gateway.httpUrl}/readyz`)).status).toBe(200);
  await gateway.stop();
  await gateway.stop();
});

test('a removed gateway leaves nothing behind', async () => {
  const gateway = await startGateway('embedded');
  await gateway.remove();
  await expect(fetch(gateway.httpUrl)).rejects.toThrow();
  expect(existsSync(gateway.folder)).toBe(false);
});

test('a gateway that cannot start says why', async () => {
  await expect(startGateway('embedded', { RpcPort: 'none' })).rejects.toThrow(
    /ended with 1; its log ends with:.*RpcPort/s,
  );
});

test('gateways of one group share a database and prefixes; groups share nothing', async () => {
  const [group, other] = [await gatewayGroup('cluster'), await gatewayGroup('cluster')];
  const gateways = await Promise.all([group.start(), group.start()]);
  for (const gateway of gateways) expect(gateway.log()).toContain(group.space?.database);
  expect(group.space?.settings).not.toEqual(other.space?.settings);
  expect(group.space?.database).not.toBe(other.space?.database);
});
