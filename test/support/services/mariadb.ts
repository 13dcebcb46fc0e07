import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ManagedProcess } from '../managed-process.js';
import { freePort } from '../ports.js';
import { tempFolder } from '../reaper.js';
import { LocalService } from './local-service.js';
import { thisMachine } from './machine.js';
import { probes } from './probe.js';
import type { Service } from './service.js';

const run = promisify(execFile);

const FIRST_USER = `CREATE USER IF NOT EXISTS 'waybill'@'%' IDENTIFIED BY 'waybill';
GRANT ALL PRIVILEGES ON *.* TO 'waybill'@'%' WITH GRANT OPTION;
`;

/** A MariaDB or MySQL of the machine's own program. Commits are durable as in production; only caches are small. */
export async function startLocalMariadb(program: string): Promise<Service> {
  const folder = tempFolder('mariadb');
  const data = join(folder.path, 'data');
  mkdirSync(data);
  const common = [
    '--no-defaults',
    `--datadir=${data}`,
    `--tmpdir=${folder.path}`,
    ...(thisMachine.isRoot ? ['--user=root'] : []),
  ];
  await createDataFolder(program, common);

  const initFile = join(folder.path, 'first-user.sql');
  writeFileSync(initFile, FIRST_USER);
  const port = await freePort();
  const url = `mysql://waybill:waybill@127.0.0.1:${port}`;
  const server = new ManagedProcess({
    name: 'mariadb',
    file: program,
    args: [
      ...common,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${join(folder.path, 'socket')}`,
      `--pid-file=${join(folder.path, 'pid')}`,
      `--init-file=${initFile}`,
      '--innodb-flush-log-at-trx-commit=1',
      '--innodb-buffer-pool-size=256M',
      '--skip-log-bin',
      '--skip-name-resolve',
      '--performance-schema=OFF',
      '--max-connections=500',
    ],
    env: { PATH: process.env.PATH },
    cwd: folder.path,
    logFile: join(folder.path, 'mariadb.log'),
    probe: () => probes.mysql(url),
    readyWithinMs: 60_000,
    stopWithinMs: 30_000,
  });
  return LocalService.start(url, server, folder);
}

async function createDataFolder(program: string, common: readonly string[]): Promise<void> {
  const { stdout: version } = await run(program, ['--version']);
  if (!version.includes('MariaDB')) {
    await run(program, [...common, '--initialize-insecure']);
    return;
  }
  const installer = thisMachine.find('mariadb-install-db', 'mysql_install_db');
  if (!installer) throw new Error(`${program} is installed without mariadb-install-db, which makes its data folder`);
  await run(installer, [...common, '--auth-root-authentication-method=normal', '--skip-test-db']);
}
