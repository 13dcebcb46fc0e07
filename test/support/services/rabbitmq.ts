import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ManagedProcess } from '../managed-process.js';
import { freePorts } from '../ports.js';
import { tempFolder } from '../reaper.js';
import { LocalService } from './local-service.js';
import { thisMachine } from './machine.js';
import { probes } from './probe.js';
import type { RabbitService } from './service.js';

const run = promisify(execFile);

/** A RabbitMQ of the machine's own program, with an epmd of its own, so it meets no other Erlang node of the machine. */
export async function startLocalRabbit(program: string): Promise<RabbitService> {
  const folder = tempFolder('rabbitmq');
  const [port = 0, distPort = 0, epmdPort = 0] = await freePorts(3);
  const epmd = await startEpmd(folder.path, epmdPort);
  const name = `${basename(folder.path)}@localhost`;
  const node = rabbitNode({ program, name, home: folder.path, folder: folder.path, port, distPort, epmdPort });
  const service = await LocalService.start(node.url, node.server, folder, [epmd]);
  return Object.assign(service, { ctl: node.ctl });
}

/** Erlang starts an epmd that outlives it unless one runs already. */
export async function startEpmd(folder: string, port: number): Promise<ManagedProcess> {
  const epmd = new ManagedProcess({
    name: 'epmd',
    file: thisMachine.find('epmd') ?? 'epmd',
    args: ['-port', `${port}`, '-address', '127.0.0.1'],
    env: { PATH: process.env.PATH, HOME: folder, LANG: 'C.UTF-8' },
    cwd: folder,
    logFile: join(folder, 'epmd.log'),
    probe: async () => {},
    readyWithinMs: 5_000,
    stopWithinMs: 5_000,
  });
  await epmd.start();
  return epmd;
}

export interface RabbitNodeOptions {
  readonly program: string;
  /** `name@localhost`. */
  readonly name: string;
  /** The Erlang cookie is made here; nodes of one cluster share it. */
  readonly home: string;
  /** For everything else; made when it is missing. */
  readonly folder: string;
  readonly port: number;
  readonly distPort: number;
  readonly epmdPort: number;
  /** Further lines of `rabbitmq.conf`. */
  readonly config?: readonly string[];
}

export interface RabbitNode {
  readonly url: string;
  readonly server: ManagedProcess;
  ctl(...args: readonly string[]): Promise<string>;
}

/** One Erlang node that is not started yet. */
export function rabbitNode(options: RabbitNodeOptions): RabbitNode {
  const { program, folder, port } = options;
  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  mkdirSync(folder, { recursive: true });
  const env = environment(options);
  const server = new ManagedProcess({
    name: 'rabbitmq',
    file: program,
    args: [],
    env,
    cwd: folder,
    logFile: join(folder, 'rabbitmq.log'),
    probe: () => probes.rabbitmq(url),
    readyWithinMs: 90_000,
    stopWithinMs: 60_000,
  });
  const control = join(dirname(program), 'rabbitmqctl');
  return { url, server, ctl: async (...args) => (await run(control, [...args], { env, cwd: folder })).stdout };
}

function environment({ name, home, folder, port, distPort, epmdPort, config = [] }: RabbitNodeOptions) {
  const file = join(folder, 'rabbitmq.conf');
  writeFileSync(file, [`listeners.tcp.1 = 127.0.0.1:${port}`, ...config, ''].join('\n'));
  const plugins = join(folder, 'enabled_plugins');
  writeFileSync(plugins, '[].\n');
  return {
    PATH: process.env.PATH,
    HOME: home,
    LANG: 'C.UTF-8',
    ERL_EPMD_PORT: `${epmdPort}`,
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: name,
    RABBITMQ_DIST_PORT: `${distPort}`,
    RABBITMQ_CONF_ENV_FILE: join(folder, 'no-env.conf'),
    RABBITMQ_CONFIG_FILE: file,
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'no-advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: folder,
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    // The start script then becomes the server, instead of standing between it and our signals.
    RUNNING_UNDER_SYSTEMD: 'true',
  };
}
