import type { Clock } from '../ports/clock.js';
import type { Logger } from '../ports/logger.js';
import type { Journal, Telemetry, Watch } from '../ports/telemetry.js';
import { LogJournal } from './journal.js';
import { MessageLog } from './message-log.js';
import { Histograms } from './metrics.js';
import { type Environment, wantsTraces } from './otlp.js';
import { Watches } from './watches.js';

/** The keys of the configuration that matter here. */
export interface TelemetryConfig {
  readonly OtlpEndpoint: string;
  readonly Debug: boolean;
  readonly DebugPayloads: boolean;
}

export interface GatewayTelemetry extends Telemetry {
  readonly meters: Histograms;
}

/** Rejects with StartError when traces are wanted in a way that there is not. */
export async function createTelemetry(
  config: TelemetryConfig,
  version: string,
  env: Environment,
  logger: Logger,
  clock: Clock,
): Promise<GatewayTelemetry> {
  const meters = new Histograms();
  const journal: Journal = new LogJournal(logger, clock);
  const watches: Watch[] = config.Debug ? [new MessageLog(logger, config.DebugPayloads)] : [];
  let stopTraces = async () => {};
  if (wantsTraces(config.OtlpEndpoint, env)) {
    // Loaded only when it is wanted: without it a gateway is some megabytes smaller.
    const { exportTraces } = await import('./otlp-export.js');
    const { tracing, stop } = await exportTraces({ endpoint: config.OtlpEndpoint, version }, env, logger);
    watches.push(tracing);
    stopTraces = stop;
  }
  const [first, ...others] = watches;
  return {
    meters,
    journal,
    watch: first === undefined || others.length === 0 ? first : new Watches(watches),
    async start() {},
    stop: () => stopTraces(),
  };
}
