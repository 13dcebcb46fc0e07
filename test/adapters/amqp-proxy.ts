import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { amqp, unitsOf } from '../chaos/wire.js';

/** Told of each frame that the broker sends on a connection; false keeps it from the client. */
type Passes = (frame: Buffer, connection: Socket) => boolean;

/** AMQP's heartbeats and the connection's own affairs. */
const CONNECTION = 0;
const METHOD = 1;
/** The class and method of `basic.deliver`. */
const DELIVER = 0x003c003c;

/** Stands before a broker and keeps back some of what it says. Gone when the test ends. */
class AmqpProxy {
  readonly connections = new Set<Socket>();

  static async start(target: string, passes: Passes): Promise<AmqpProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = new URL(target);
    url.hostname = '127.0.0.1';
    url.port = String((server.address() as AddressInfo).port);
    const proxy = new AmqpProxy(url.href, passes);
    server.on('connection', (client) => proxy.#join(client, new URL(target)));
    onTestFinished(async () => {
      server.close();
      for (const socket of proxy.connections) socket.destroy();
      await once(server, 'close');
    });
    return proxy;
  }

  private constructor(
    readonly url: string,
    private readonly passes: Passes,
  ) {}

  #join(client: Socket, { hostname, port }: URL): void {
    const server = connect(Number(port), hostname);
    this.connections.add(server);
    const end = () => {
      client.destroy();
      server.destroy();
      this.connections.delete(server);
    };
    for (const socket of [client, server]) socket.on('error', end).on('close', end);
    client.pipe(server);
    const cut = unitsOf(amqp);
    server.on('data', (chunk: Buffer) => {
      for (const frame of cut(chunk)) if (this.passes(frame, server)) client.write(frame);
    });
  }
}

/**
 * From `silence` on, channels that were open say nothing any more, neither a confirm nor that they are closed, while heartbeats
 * come as before. So a channel of RabbitMQ can be that was opened while the node which led its queue was frozen.
 */
export async function silentChannels(url: string): Promise<{ readonly url: string; silence(): void }> {
  const silenced = new WeakSet<Socket>();
  const proxy = await AmqpProxy.start(
    url,
    (frame, connection) => frame.readUInt16BE(1) === CONNECTION || !silenced.has(connection),
  );
  return {
    url: proxy.url,
    silence() {
      for (const connection of proxy.connections) silenced.add(connection);
    },
  };
}

/**
 * Deliveries that the broker counts as made, and that never come, as when the leader of a quorum queue changes in the moment between.
 * The next so many are lost; they are no larger than one frame of AMQP.
 */
export async function lostDeliveries(
  url: string,
): Promise<{ readonly url: string; lose(count: number): void; readonly lost: number }> {
  let toLose = 0;
  let lost = 0;
  /** Frames of the delivery that is being lost. */
  let rest = 0;
  const proxy = await AmqpProxy.start(url, (frame) => {
    if (rest > 0) {
      rest--;
      return false;
    }
    if (toLose === 0 || frame[0] !== METHOD || frame.readUInt32BE(7) !== DELIVER) return true;
    toLose--;
    lost++;
    // Its header and its body follow.
    rest = 2;
    return false;
  });
  return {
    url: proxy.url,
    lose(count) {
      toLose = count;
    },
    get lost() {
      return lost;
    },
  };
}
