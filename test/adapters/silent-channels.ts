import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { amqp, unitsOf } from '../chaos/wire.js';

/** AMQP's heartbeats and the connection's own affairs. */
const CONNECTION = 0;

/**
 * Before a broker: from `silence` on, channels that were open say nothing any more, neither a confirm nor that they are closed, while
 * heartbeats come as before. So a channel of RabbitMQ can be that was opened while the node which led its queue was frozen.
 */
export class SilentChannels {
  readonly url: string;
  readonly #silenced = new WeakSet<Socket>();
  readonly #servers = new Set<Socket>();

  /** Gone when the test ends. */
  static async start(url: string): Promise<SilentChannels> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new SilentChannels(url, (server.address() as AddressInfo).port);
    server.on('connection', (client) => proxy.#join(client, new URL(url)));
    onTestFinished(async () => {
      server.close();
      for (const socket of proxy.#servers) socket.destroy();
      await once(server, 'close');
    });
    return proxy;
  }

  private constructor(target: string, port: number) {
    const here = new URL(target);
    here.hostname = '127.0.0.1';
    here.port = String(port);
    this.url = here.href;
  }

  silence(): void {
    for (const socket of this.#servers) this.#silenced.add(socket);
  }

  #join(client: Socket, { hostname, port }: URL): void {
    const server = connect(Number(port), hostname);
    this.#servers.add(server);
    const end = () => {
      client.destroy();
      server.destroy();
      this.#servers.delete(server);
    };
    for (const socket of [client, server]) socket.on('error', end).on('close', end);
    client.pipe(server);
    const cut = unitsOf(amqp);
    server.on('data', (chunk: Buffer) => {
      for (const frame of cut(chunk)) {
        if (frame.readUInt16BE(1) === CONNECTION || !this.#silenced.has(server)) client.write(frame);
      }
    });
  }
}
