import { afterAll, beforeAll } from 'vitest';
import { AdminClient } from '../support/admin-client.js';
import type { UsedBus } from './use-bus.js';

/** Admin clients of the gateways of a bus that `useBus` started before. */
export function useAdmin(bus: UsedBus): (node?: number) => AdminClient {
  const clients: AdminClient[] = [];
  beforeAll(() => {
    for (let node = 0; node < bus.nodes; node++) clients.push(new AdminClient(bus.gateway(node).rpcUrl));
  });
  afterAll(() => {
    for (const client of clients) client.close();
  });
  return (node = 0) => {
    const client = clients[node % clients.length];
    if (client === undefined) throw new Error('the bus has no gateway');
    return client;
  };
}
