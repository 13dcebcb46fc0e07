import type { Bus } from '../bus.js';
import { Client } from '../client.js';
import { Connection } from '../grpc/connection.js';
import { type BusOptions, resolveOptions } from '../options.js';
import type { Transport } from './transport.js';

export type { BusOptions } from '../options.js';
export type { CallStatus, StreamCall, StreamListener, Transport, UnaryCallOptions } from './transport.js';

/**
 * The bus of this package, with all that it does by itself (batches, retries, leases, reconnecting), over a transport other than gRPC. For
 * whoever writes a transport, as the package `waybill` does for its embedded engine; applications use `connect`, or `openBus` of `waybill`.
 */
export function busOver(transport: Transport, options: BusOptions = {}): Bus {
  return new Client(new Connection(resolveOptions({ ...options, url: 'localhost' }), transport));
}
