import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { atTestEnd } from '../support/cleanup.js';
import { tempFolder } from '../support/reaper.js';
import { php, SDK_PHP } from './php.js';

const SKELETON = `${SDK_PHP}/tests/Laravel/application`;
const INSTALL = ['install', '--no-interaction', '--no-progress', '--no-scripts'];
/** How many packages a registry may lack before the test says so. */
const MAX_MISSING = 8;

/** A Laravel application made from nothing: the framework and this package, by Composer. */
export interface LaravelApplication {
  readonly folder: string;
  /** Of Laravel: `12.72.0`. */
  readonly version: string;
  remove(): void;
}

/** The application is removed when the test ends; one made in `beforeAll`, by the caller. */
export async function laravelApplication(major: number): Promise<LaravelApplication> {
  const { path: folder, remove } = tempFolder(`laravel-${major}`);
  atTestEnd(async () => remove());
  cpSync(SKELETON, folder, { recursive: true });
  for (const name of ['bootstrap/cache', 'storage/framework/cache', 'storage/framework/views']) {
    mkdirSync(`${folder}/${name}`, { recursive: true });
  }
  await install(folder, major);
  const said = await artisan(folder, ['package:discover']);
  if (!said.includes('waybill/sdk')) throw new Error(`Laravel did not discover the package:\n${said}`);
  const version = /\d+\.\d+\.\d+/.exec(await artisan(folder, ['--version']))?.[0] ?? '';
  return { folder, version, remove };
}

/** Runs a command of the application; answers what it said. */
export function artisan(folder: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return php([`${folder}/artisan`, ...args], { env: { APP_WORK: folder, ...env } });
}

/**
 * A registry that mirrors only a part of Packagist may lack packages that no worker needs, such as those for web pages. Then the
 * application declares that it replaces them; bootstrap/stand-ins.php has what a console needs of them.
 */
async function install(folder: string, major: number): Promise<void> {
  const missing: string[] = [];
  for (;;) {
    writeFileSync(`${folder}/composer.json`, JSON.stringify(composerJson(major, missing), undefined, 2));
    try {
      await php(['/usr/bin/composer', `--working-dir=${folder}`, ...INSTALL], { timeoutMs: 300_000 });
      return;
    } catch (error) {
      const name = /requires? (\S+) [^\n]* -> could not be found in any version/.exec(String(error))?.[1];
      if (name === undefined || missing.includes(name) || missing.length >= MAX_MISSING) throw error;
      missing.push(name);
    }
  }
}

function composerJson(major: number, missing: readonly string[]) {
  return {
    name: 'waybill/test-application',
    type: 'project',
    require: {
      php: '^8.2',
      'laravel/framework': `^${major}.0`,
      'predis/predis': '^2.0 || ^3.0',
      'waybill/sdk': '*@dev',
    },
    'require-dev': { 'phpunit/phpunit': '^11.0' },
    repositories: [{ type: 'path', url: SDK_PHP, options: { symlink: true } }],
    replace: Object.fromEntries(missing.map((name) => [name, '*'])),
    autoload: { 'psr-4': { 'App\\': 'app/' }, files: ['bootstrap/stand-ins.php'] },
    'autoload-dev': { 'psr-4': { 'Waybill\\Tests\\Laravel\\': 'vendor/waybill/sdk/tests/Laravel/' } },
    config: { lock: false, 'allow-plugins': {} },
    'minimum-stability': 'stable',
  };
}
