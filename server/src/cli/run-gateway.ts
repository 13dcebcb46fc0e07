import { createGateway } from '../app.js';
import { engine } from '../config/engine.js';
import { type Loaded, load } from '../config/load.js';
import { printConfig } from '../config/print.js';
import { type Gateway, VERSION } from '../gateway.js';
import { createLogger } from '../observability/logger.js';
import { createTelemetry } from '../observability/telemetry.js';
import { systemClock } from '../ports/clock.js';

export interface ServeFlags {
  readonly config?: string | undefined;
}

/** Runs until SIGTERM or SIGINT. A second signal ends it at once. */
export async function runGateway(options: ServeFlags): Promise<void> {
  const loaded = load({ file: options.config });
  const logger = createLogger(loaded.config);
  if (loaded.config.PrintConfig) process.stdout.write(printConfig(loaded));
  for (const { key, where, text } of loaded.notes) logger.info({ key, where }, text);
  const telemetry = await createTelemetry(loaded.config, VERSION, process.env, logger, systemClock);
  const gateway = await createGateway(loaded.config, logger, systemClock, { telemetry });
  // Before the ports are open: from then on there may be something to end in order.
  const signalled = firstSignal();
  await gateway.start();
  process.stdout.write(greeting(loaded, gateway));
  const signal = await signalled;
  logger.info({ signal, drainSeconds: loaded.config.DrainSeconds }, 'draining');
  await gateway.stop();
  logger.info({}, 'stopped');
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** From the first on, the next one ends the process. */
async function firstSignal(): Promise<NodeJS.Signals> {
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    for (const name of SIGNALS) process.once(name, resolve);
  });
  for (const name of SIGNALS) process.once(name, () => process.exit(130));
  return signal;
}

/** What a person at a terminal wants to know first. */
function greeting({ config, file }: Loaded, gateway: Gateway): string {
  const { rpc, http } = gateway.ports;
  const where =
    engine(config) === 'embedded'
      ? `embedded engine, everything in ${config.DataFile}`
      : 'cluster engine: RabbitMQ, MySQL, Redis';
  const web = `${config.TlsCert === '' ? 'http' : 'https'}://localhost:${http}`;
  const url = rpc === 9091 ? '' : ` --url localhost:${rpc}`;
  return [
    '',
    `Waybill is up (${where}).`,
    `  gRPC    localhost:${rpc}`,
    `  web UI  ${web}/admin/`,
    `  health  ${web}/readyz`,
    `  config  ${file ?? 'defaults'}`,
    '',
    'Try, each in its own terminal:',
    `  npx waybill sub orders billing${url}`,
    `  npx waybill pub orders 'hello'${url}`,
    '',
    '',
  ].join('\n');
}
