import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Gateway } from '../support/gateway.js';

const run = promisify(execFile);

/** Resident, in MB. */
export async function memoryOf({ pid }: Gateway): Promise<number> {
  const { stdout } = await run('ps', ['-o', 'rss=', '-p', `${pid}`]);
  return Number(stdout) / 1024;
}
