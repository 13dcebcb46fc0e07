import { join } from 'node:path';
import { ManagedProcess } from '../managed-process.js';
import { freePort } from '../ports.js';
import { tempFolder } from '../reaper.js';
import { LocalService } from './local-service.js';
import { probes } from './probe.js';
import type { Service } from './service.js';

/** A Redis of the machine's own program. It keeps nothing over a restart, which the bus must bear. */
export async function startLocalRedis(program: string): Promise<Service> {
  const folder = tempFolder('redis');
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const server = new ManagedProcess({
    name: 'redis',
    file: program,
    args: ['--bind', '127.0.0.1', '--port', `${port}`, '--dir', folder.path, '--save', '', '--appendonly', 'no'],
    env: { PATH: process.env.PATH },
    cwd: folder.path,
    logFile: join(folder.path, 'redis.log'),
    probe: () => probes.redis(url),
    readyWithinMs: 20_000,
    stopWithinMs: 10_000,
  });
  return LocalService.start(url, server, folder);
}
