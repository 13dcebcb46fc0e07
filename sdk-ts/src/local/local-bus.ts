import type { Body } from '../body.js';
import type { Bus } from '../bus.js';
import { LocalEngine } from './engine.js';
import type { EventMap, LocalBus } from './events.js';
import type { LocalBusOptions } from './options.js';

/**
 * A bus inside this process. It does no I/O and keeps nothing when the process ends; what waits for its time keeps the process alive until `close`.
 *
 * @example
 * const bus = localBus<{ 'orders.created': Order; 'orders.paid': Payment }>();
 * bus.subscribe('orders.*', 'audit', ({ topic, payload }) => console.log(topic, payload));
 * await bus.publish('orders.created', { number: 7 });
 */
export function localBus<Events extends EventMap<Events> = Record<string, Body>>(
  options?: LocalBusOptions,
): LocalBus<Events>;
// The engine hands payloads on as they are: that they have the types of `Events` is what the signatures of publish have seen to.
export function localBus(options: LocalBusOptions = {}): Bus {
  return new LocalEngine(options);
}
