import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { engine } from '../config/engine.js';
import { load } from '../config/load.js';
import { ConfigError } from '../config/problem.js';
import type { Config } from '../config/schema.js';
import { type ConnectionFlags, withConnection } from './connection.js';
import { type Check, fail, ok, warn } from './doctor/check.js';
import { checkDataFile } from './doctor/embedded.js';
import { checkGateway } from './doctor/gateway.js';
import { checkNodeVersion, checkPorts } from './doctor/machine.js';
import { checkMysql } from './doctor/mysql.js';
import { checkRabbit } from './doctor/rabbitmq.js';
import { checkRedis } from './doctor/redis.js';
import { checkSecurity } from './doctor/security.js';
import { EXIT } from './failure.js';
import { type OutputFlags, printJson, printLine } from './output.js';
import { painter, tame } from './terminal.js';

interface DoctorFlags extends ConnectionFlags, OutputFlags {
  readonly config?: string;
  readonly gateway: boolean;
}

export function doctorCommand(program: Command): void {
  withConnection(program.command('doctor'))
    .description(
      'check configuration, services, gateways, versions, clocks, ports and rights, and say what to do; changes nothing',
    )
    .option('-c, --config <file>', 'configuration file (default: as for serve)')
    .option('--no-gateway', 'leaves out the gateway: before it is started for the first time')
    .option('--json', 'answers as JSON')
    .action(doctor);
}

/** Exits with 1 when a check failed; a warning is no failure. */
async function doctor(flags: DoctorFlags): Promise<void> {
  const { checks: own, config } = checkConfig(flags.config);
  const checks = [
    checkNodeVersion(),
    ...own,
    ...(config === undefined ? [] : [...checkSecurity(config), ...(await checkServices(config))]),
    ...(flags.gateway ? await checkGateway(flags, versionOfCommand()) : []),
  ];
  const failed = checks.some(({ state }) => state === 'fail');
  if (flags.json === true) printJson({ healthy: !failed, checks: checks.map((check) => ({ ...check })) });
  else print(checks);
  if (failed) process.exitCode = EXIT.failed;
}

function checkConfig(file: string | undefined): { readonly checks: Check[]; readonly config?: Config } {
  try {
    const { config, file: path, notes } = load({ file });
    const where = `${path ?? 'defaults'}, ${engine(config)} engine`;
    const checks = notes.map(({ key, where, text }) => warn(`config ${key}`, `${where}: ${text}`, 'take it out'));
    return { checks: [ok('config', where), ...checks], config };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return {
      checks: error.problems.map(({ where, key, fault, suggestion }) =>
        fail(`config ${key}`.trim(), `${where}: ${fault}`, suggestion),
      ),
    };
  }
}

async function checkServices(config: Config): Promise<Check[]> {
  const checks =
    engine(config) === 'embedded'
      ? [checkPorts(config), checkDataFile(config)]
      : [checkPorts(config), checkRabbit(config), checkMysql(config), checkRedis(config)];
  return (await Promise.all(checks)).flat();
}

const STYLES = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

function print(checks: readonly Check[]): void {
  const paint = painter(process.stdout);
  const width = Math.max(...checks.map(({ name }) => name.length));
  for (const { name, state, found, advice } of checks) {
    printLine(`${paint(STYLES[state], state.padEnd(4))}  ${name.padEnd(width)}  ${tame(found)}`);
    if (advice !== '') printLine(`${' '.repeat(width + 8)}-> ${advice}`);
  }
}

function versionOfCommand(): string {
  const { version }: { version: string } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return version;
}
