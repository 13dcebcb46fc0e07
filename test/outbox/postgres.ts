import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ManagedProcess } from '../support/managed-process.js';
import { freePort } from '../support/ports.js';
import { tempFolder } from '../support/reaper.js';
import { ensureDebianPackages } from '../support/services/debian.js';
import { findIn, thisMachine } from '../support/services/machine.js';

const run = promisify(execFile);
const DEBIAN = '/usr/lib/postgresql';

/** A PostgreSQL of the machine's own program; Debian's package is installed where it can be. The caller removes it. */
export async function startPostgres(): Promise<{ url: string; remove(): Promise<void> }> {
  const folders = await programFolders();
  const postgres = findIn(folders, ['postgres']);
  const initdb = findIn(folders, ['initdb']);
  if (!postgres || !initdb) throw new Error('this test needs PostgreSQL: postgres and initdb are not installed');
  const folder = tempFolder('postgres');
  const data = join(folder.path, 'data');
  mkdirSync(data, { mode: 0o700 });
  // It refuses to run as root, so the package's own user runs it.
  const prefix = thisMachine.isRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];
  if (thisMachine.isRoot) {
    const [uid, gid] = await Promise.all([idOf('-u'), idOf('-g')]);
    for (const path of [folder.path, data]) chownSync(path, uid, gid);
  }
  const command = (program: string, ...args: string[]) => {
    const [file = program, ...rest] = [...prefix, program, ...args];
    return { file, args: rest };
  };
  const init = command(initdb, '-D', data, '-U', 'waybill', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C');
  await run(init.file, init.args);

  const port = await freePort();
  const url = `postgres://waybill@127.0.0.1:${port}/postgres`;
  const server = new ManagedProcess({
    name: 'postgres',
    ...command(postgres, '-D', data, '-p', `${port}`, '-c', 'listen_addresses=127.0.0.1', '-k', folder.path),
    env: { PATH: process.env.PATH },
    cwd: folder.path,
    logFile: join(folder.path, 'postgres.log'),
    probe: () => answers(url),
    readyWithinMs: 30_000,
    stopWithinMs: 20_000,
  });
  await server.start();
  const remove = async () => {
    await server.kill();
    folder.remove();
  };
  return { url, remove };
}

async function programFolders(): Promise<string[]> {
  const debian = () => (existsSync(DEBIAN) ? readdirSync(DEBIAN).map((version) => join(DEBIAN, version, 'bin')) : []);
  const folders = () => [...debian(), '/usr/local/bin', '/usr/bin', '/opt/homebrew/bin'];
  if (!findIn(folders(), ['postgres'])) await ensureDebianPackages(['postgresql']);
  return folders();
}

async function idOf(which: '-u' | '-g'): Promise<number> {
  const { stdout } = await run('id', [which, 'postgres']);
  return Number(stdout);
}

async function answers(url: string): Promise<void> {
  const { Client } = await import('pg');
  const client = new Client(url);
  try {
    await client.connect();
    await client.query('SELECT 1');
  } finally {
    await client.end();
  }
}
