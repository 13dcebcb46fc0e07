import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
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
  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  const env = environment(folder.path, port, distPort, epmdPort);

  const epmd = new ManagedProcess({
    name: 'epmd',
    file: thisMachine.find('epmd') ?? 'epmd',
    args: ['-port', `${epmdPort}`, '-address', '127.0.0.1'],
    env,
    cwd: folder.path,
    logFile: join(folder.path, 'epmd.log'),
    probe: async () => {},
    readyWithinMs: 5_000,
    stopWithinMs: 5_000,
  });
  const server = new ManagedProcess({
    name: 'rabbitmq',
    file: program,
    args: [],
    env,
    cwd: folder.path,
    logFile: join(folder.path, 'rabbitmq.log'),
    probe: () => probes.rabbitmq(url),
    readyWithinMs: 90_000,
    stopWithinMs: 60_000,
  });
  // Erlang starts an epmd that outlives it unless one runs already.
  await epmd.start();
  const service = await LocalService.start(url, server, folder, [epmd]);
  return Object.assign(service, {
    async ctl(...args: readonly string[]) {
      const control = join(dirname(program), 'rabbitmqctl');
      return (await run(control, [...args], { env, cwd: folder.path })).stdout;
    },
  });
}

function environment(folder: string, port: number, distPort: number, epmdPort: number) {
  const config = join(folder, 'rabbitmq.conf');
  writeFileSync(config, `listeners.tcp.1 = 127.0.0.1:${port}\n`);
  const plugins = join(folder, 'enabled_plugins');
  writeFileSync(plugins, '[].\n');
  return {
    PATH: process.env.PATH,
    // The Erlang cookie is made here.
    HOME: folder,
    LANG: 'C.UTF-8',
    ERL_EPMD_PORT: `${epmdPort}`,
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `${basename(folder)}@localhost`,
    RABBITMQ_DIST_PORT: `${distPort}`,
    RABBITMQ_CONF_ENV_FILE: join(folder, 'no-env.conf'),
    RABBITMQ_CONFIG_FILE: config,
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
