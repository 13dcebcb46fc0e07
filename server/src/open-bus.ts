import { type Bus, FailedPreconditionError, InvalidArgumentError } from '@waybill/sdk';
import { type BusOptions, busOver } from '@waybill/sdk/transport';
import { createGateway } from './app.js';
import { load } from './config/load.js';
import { nearest } from './config/nearest.js';
import { ConfigError } from './config/problem.js';
import type { Config } from './config/schema.js';
import { DirectTransport } from './edge/direct/transport.js';
import type { Gateway } from './gateway.js';
import { StartError } from './model/errors.js';
import type { Logger } from './ports/logger.js';

export type { Logger } from './ports/logger.js';

/** Config keys that have a meaning inside one process; docs/configuration.md tells unit, range and default. */
const SETTINGS = [
  'RetryTimes',
  'NackdJobNextRunDelaySeconds',
  'MaxJobRunningSeconds',
  'DedupeWindowSeconds',
  'LedgerRetentionHours',
  'PublishTimeoutSeconds',
  'MaxMessageBytes',
  'MaxPendingPublishBytes',
  'FrameMaxMessages',
  'MaxCredit',
  'MaxUnsettledPerClient',
  'MaxUnsettledBytesPerClient',
  'MaxHeldBytes',
  'MaxSubscribersPerChannel',
  'MaxChannels',
  'MaxTopics',
] as const satisfies readonly (keyof Config)[];

const OWN = ['file', 'logger'] as const;
const BUS_OPTIONS = [
  'name',
  'deadline',
  'maxInFlight',
  'maxInFlightBytes',
  'maxPending',
  'maxPendingBytes',
  'batch',
] as const satisfies readonly (keyof BusOptions)[];

export interface OpenBusOptions extends BusOptions, Partial<Pick<Config, (typeof SETTINGS)[number]>> {
  /** The SQLite file that keeps everything. It and its folder are made when they are not there; one process has it open at a time. */
  file: string;
  /** Takes pino's. Default: warnings and errors go to stderr. */
  logger?: Logger;
}

/**
 * The bus inside this process, with no server and no port: the gateway's embedded engine on a file, and the same publisher, consumers,
 * leases and retries as behind a gateway. What was published and acked is on the disk, whatever then happens to the process.
 *
 * Rejects with InvalidArgumentError, which names every option that is wrong, or with FailedPreconditionError when the file is in use by
 * another process, or cannot be used.
 *
 * @example
 * const bus = await openBus({ file: 'jobs.db', RetryTimes: 5 });
 * bus.subscribe('mails', 'sender', (message) => send(message.json()));
 * await bus.publish('mails', { to: 'a@example.org' });
 * await bus.close();
 */
export async function openBus(options: OpenBusOptions): Promise<Bus> {
  const { logger = STDERR, file: _file, ...rest } = options;
  const gateway = await start(configOf(options), logger);
  const transport = new DirectTransport(gateway.direct, async () => {
    await gateway.stop().catch((error: unknown) => logger.error({ err: error }, 'the bus did not close in order'));
  });
  try {
    return busOver(transport, rest);
  } catch (error) {
    await transport.close();
    throw error;
  }
}

async function start(config: Config, logger: Logger): Promise<Gateway> {
  try {
    const gateway = await createGateway(config, logger, undefined, { listens: false });
    await gateway.start();
    return gateway;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    const details = { code: 'FAILED_PRECONDITION', reason: 'FILE_UNUSABLE', field: 'file', cause: error } as const;
    throw new FailedPreconditionError(error.message, details);
  }
}

function configOf(options: OpenBusOptions): Config {
  const { file } = options;
  if (typeof file !== 'string' || file === '' || file.startsWith(':') || file.startsWith('file:')) {
    throw invalid(`file is ${JSON.stringify(file)}: it takes the path of a file, which outlives the process`, 'file');
  }
  const known: readonly string[] = [...OWN, ...BUS_OPTIONS, ...SETTINGS];
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const near = nearest(unknown, known);
    throw invalid(`there is no option ${unknown}${near === undefined ? '' : `: did you mean ${near}?`}`, unknown);
  }
  const texts: Record<string, string> = { DataFile: file };
  for (const key of SETTINGS) {
    if (options[key] !== undefined) texts[key] = String(options[key]);
  }
  try {
    return load({ env: texts, envName: 'openBus', defaultFiles: [] }).config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw invalid(error.message, error.problems[0]?.key ?? '');
  }
}

function invalid(message: string, field: string): InvalidArgumentError {
  return new InvalidArgumentError(message, { code: 'INVALID_ARGUMENT', reason: 'OPTION_INVALID', field });
}

const STDERR: Logger = {
  debug() {},
  info() {},
  warn: (fields, message) => console.error('waybill:', message, fields),
  error: (fields, message) => console.error('waybill:', message, fields),
};
