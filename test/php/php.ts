import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withLock } from '../../deploy/lock.mjs';
import { ROOT } from '../compat/tools.js';
import { ensureDebianPackages } from '../support/services.js';

const run = promisify(execFile);

export const SDK_PHP = `${ROOT}/sdk-php`;

/** PHP, what the package and its tests need of it, and the tool that installs packages. */
const PACKAGES = [
  'php-cli',
  'php-curl',
  'php-mbstring',
  'php-mysql',
  'php-pgsql',
  'php-sqlite3',
  'php-xml',
  'composer',
  'unzip',
  'protobuf-compiler',
  'libprotobuf-dev',
];

/** PHP is installed when this resolves, and `sdk-php/vendor` holds what `composer.json` asks for. Rejects with what is missing. */
export async function preparePhp(): Promise<void> {
  await ensureDebianPackages(PACKAGES);
  await withLock(join(tmpdir(), 'waybill-test-composer.lock'), async () => {
    if (isInstalled()) return;
    await php(['/usr/bin/composer', 'update', '--no-interaction', '--no-progress'], { timeoutMs: 300_000 });
  });
}

export interface PhpOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Runs PHP in `sdk-php`; answers what it said, and rejects with that when it fails. */
export async function php(args: readonly string[], options: PhpOptions = {}): Promise<string> {
  const { env = {}, timeoutMs = 60_000 } = options;
  const ran = run('/usr/bin/php', [...args], {
    cwd: SDK_PHP,
    // Composer asks a person whether it may run as root.
    env: { PATH: process.env.PATH, HOME: process.env.HOME, LANG: 'C.UTF-8', COMPOSER_ALLOW_SUPERUSER: '1', ...env },
    timeout: timeoutMs,
    maxBuffer: 64 << 20,
  });
  const { stdout } = await ran.catch((error: unknown) => {
    const said =
      error instanceof Error && 'stdout' in error && 'stderr' in error ? `${error.stdout}${error.stderr}` : error;
    // Not as a cause: that would be printed with all that was said once more.
    throw new Error(`php ${args.join(' ')} failed:\n${String(said).slice(-8_000)}`);
  });
  return stdout;
}

/** Runs suites of PHPUnit, or one group of their tests; rejects with its report when a test fails. Answers how many tests ran. */
export async function phpunit(suites: string, options: PhpOptions & { group?: string } = {}): Promise<number> {
  const chosen = ['--testsuite', suites, ...(options.group === undefined ? [] : ['--group', options.group])];
  const said = await php(['vendor/bin/phpunit', '--colors=never', '--no-progress', ...chosen], options);
  const count = /^OK \((\d+) tests?,/m.exec(said)?.[1];
  if (count === undefined) throw new Error(`PHPUnit did not say OK:\n${said.slice(-8_000)}`);
  return Number(count);
}

function isInstalled(): boolean {
  const installed = `${SDK_PHP}/vendor/composer/installed.json`;
  return existsSync(installed) && statSync(installed).mtimeMs > statSync(`${SDK_PHP}/composer.json`).mtimeMs;
}
