import type { Bus } from './bus.js';
import { Client } from './client.js';
import { Connection } from './grpc/connection.js';
import { type ConnectOptions, resolveOptions } from './options.js';

/**
 * Connects to a gateway. Without `lazy` it resolves when one has answered, and rejects with UnavailableError when none did within
 * `deadline`, or with AccessError. From then on the connection heals by itself.
 *
 * @example
 * const bus = await connect('localhost:9091');
 * await bus.publish('orders', { number: 1 });
 * await bus.close();
 */
export async function connect(options: string | ConnectOptions = {}): Promise<Bus> {
  const resolved = resolveOptions(typeof options === 'string' ? { url: options } : options);
  const connection = new Connection(resolved);
  if (!resolved.lazy) {
    try {
      await connection.ready(resolved.deadlineMs);
    } catch (error) {
      connection.close();
      throw error;
    }
  }
  return new Client(connection);
}
