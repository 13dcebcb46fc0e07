import type { Bus } from '../bus.js';
import { InstrumentedBus } from './instrumented-bus.js';
import { Instruments, type TelemetryOptions } from './instruments.js';

export type { TelemetryOptions } from './instruments.js';

/**
 * The same bus, with OpenTelemetry's spans and metrics around what is published, asked, pulled, handled and settled through it. A trace goes on where its messages
 * go, by the headers `traceparent` and `tracestate`. A bus that is not instrumented costs nothing.
 *
 * @example
 * const bus = instrument(await connect());
 */
export function instrument(bus: Bus, options: TelemetryOptions = {}): Bus {
  return new InstrumentedBus(bus, new Instruments(options));
}
