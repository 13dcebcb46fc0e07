import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Below the range from which systems take the ports of outgoing connections, so a port stays free over a restart. */
const LOWEST = 15_000;
const HIGHEST = 32_000;

/** Ports of 127.0.0.1 that nobody listens on, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  const ports: number[] = [];
  while (ports.length < count) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    const server = createServer();
    server.listen(port, '127.0.0.1');
    // `once` rejects on the error event, which is how a taken port shows.
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!free) continue;
    servers.push(server);
    ports.push(port);
  }
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('no free port');
  return port;
}
