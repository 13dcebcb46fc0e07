import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What the choice of a source depends on. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isRoot: boolean;
  /** Debian or one of its descendants: apt-get installs what is missing. */
  readonly isDebian: boolean;
  dockerAnswers(): Promise<boolean>;
  /** The path of the first of these programs that is installed. */
  find(...programs: readonly string[]): string | undefined;
}

/** Servers live where a user's PATH seldom looks. RabbitMQ's own folder is first: Debian's wrapper changes the user. */
const FOLDERS = [
  '/usr/lib/rabbitmq/bin',
  '/usr/sbin',
  '/usr/bin',
  '/usr/libexec',
  '/usr/local/sbin',
  '/usr/local/bin',
  '/opt/homebrew/sbin',
  '/opt/homebrew/bin',
];

export const thisMachine: Machine = {
  env: process.env,
  isRoot: process.getuid?.() === 0,
  isDebian: existsSync('/usr/bin/apt-get'),
  find: (...programs) => findIn([...FOLDERS, ...(process.env.PATH ?? '').split(delimiter)], programs),
  async dockerAnswers() {
    try {
      await run('docker', ['info'], { timeout: 10_000 });
      await run('docker', ['compose', 'version'], { timeout: 10_000 });
      return true;
    } catch {
      return false;
    }
  },
};

export function findIn(folders: readonly string[], programs: readonly string[]): string | undefined {
  for (const program of programs) {
    for (const folder of folders) {
      const path = join(folder, program);
      if (isExecutable(path)) return path;
    }
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
