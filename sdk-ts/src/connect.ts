import type { Bus } from './bus.js';
import { Client } from './client.js';
import { Connection } from './grpc/connection.js';
import { GrpcTransport } from './grpc/transport.js';
import { type ConnectOptions, resolveOptions } from './options.js';

/**
 * Connects to a gateway, or to several of one bus. Without `lazy` it resolves when one has answered, and rejects with UnavailableError when none did within
 * `deadline`, or with AccessError. From then on the connection heals by itself.
 *
 * @example
 * const bus = await connect('localhost:9091');
 * await bus.publish('orders', { number: 1 });
 * await bus.close();
 */
export async function connect(options: string | readonly string[] | ConnectOptions = {}): Promise<Bus> {
  const resolved = resolveOptions(typeof options === 'string' || isList(options) ? { url: options } : options);
  const connection = new Connection(resolved, new GrpcTransport(resolved));
  if (!resolved.lazy) {
    try {
      await connection.ready(resolved.deadlineMs);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }
  return new Client(connection);
}

function isList(options: readonly string[] | ConnectOptions): options is readonly string[] {
  return Array.isArray(options);
}
