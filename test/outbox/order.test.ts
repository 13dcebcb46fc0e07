import { expect, test } from 'vitest';
import { atTestEnd } from '../support/cleanup.js';
import { ClusterSpace } from '../support/cluster-space.js';
import { gatewayGroup, startGateway } from '../support/gateway.js';
import { outboxOutOfOrder } from './scenario.js';

test('ten writers that commit out of the order of their numbers, and two relays: none lost, each key in order', async () => {
  const space = await ClusterSpace.create();
  atTestEnd(() => space.remove());
  const gateway = await startGateway('embedded');
  const report = await outboxOutOfOrder({ gatewayUrl: gateway.rpcUrl, databaseUrl: space.databaseUrl });
  console.log(`outbox, embedded: ${JSON.stringify(report)}`);
  expect(report).toMatchObject({ published: 900, acked: 900, lost: 0, duplicated: 0, outOfOrder: 0, unwritten: 0 });
  expect(report.late).toBeGreaterThan(0);
  for (const published of report.byRelay) expect(published).toBeGreaterThan(0);
});

test('the same through RabbitMQ', async () => {
  const group = await gatewayGroup('cluster');
  const gateway = await group.start();
  const databaseUrl = group.space?.databaseUrl ?? '';
  const report = await outboxOutOfOrder({ gatewayUrl: gateway.rpcUrl, databaseUrl });
  console.log(`outbox, cluster: ${JSON.stringify(report)}`);
  expect(report).toMatchObject({ published: 900, acked: 900, lost: 0, duplicated: 0, unwritten: 0 });
  // What the relay answers for. Past that, a message whose claim the ledger is asked for first may come after the next of its key.
  expect(report.acceptedOutOfOrder).toBe(0);
});
