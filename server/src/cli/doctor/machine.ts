import { createServer } from 'node:net';
import { listenHost } from '../../config/engine.js';
import type { Config } from '../../config/schema.js';
import { probe } from '../../edge/http/probe.js';
import { atLeastVersion, type Check, fail, ok, reasonOf } from './check.js';

const LEAST_NODE = '20';

export function checkNodeVersion(version = process.versions.node): Check {
  return atLeastVersion(version, LEAST_NODE)
    ? ok('node', `Node ${version}`)
    : fail('node', `Node ${version}`, `install Node ${LEAST_NODE} or newer`);
}

/** Both ports are free for a gateway, or a gateway has them. */
export async function checkPorts(config: Config): Promise<Check[]> {
  const host = listenHost(config);
  const running = await probe(host, config.HttpPort).then(
    () => true,
    () => false,
  );
  return Promise.all(
    [config.RpcPort, config.HttpPort].map(async (port) => {
      const name = `port ${port}`;
      if (port === 0) return ok(name, 'any free one');
      if (running) return ok(name, 'a gateway listens');
      const problem = await listening(host, port);
      if (problem === undefined) return ok(name, `free on ${host}`);
      const taken = problem.includes('EADDRINUSE');
      return fail(
        name,
        problem,
        taken ? 'end the program that has it, or set RpcPort and HttpPort' : 'check Host and the rights of this user',
      );
    }),
  );
}

function listening(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(reasonOf(error)));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}
