import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClusterSpace } from '../support/cluster-space.js';
import { type Engine, startGateway } from '../support/gateway.js';
import { type LaravelApplication, laravelApplication } from './laravel-application.js';
import { php, preparePhp } from './php.js';

/** Those of Laravel that run on PHP 8.2; 13 needs 8.3. All tests run with the newest, on both engines; the others with the embedded one. */
const NEWEST = 12;
const OLDER = [11, 10];

let newest: LaravelApplication;

beforeAll(async () => {
  await preparePhp();
  newest = await laravelApplication(NEWEST);
}, 900_000);
afterAll(() => newest?.remove());

interface SuiteOptions {
  readonly engine: Engine;
  /** What the application keeps its own tables in; SQLite when it is not given. */
  readonly mysql?: string;
  readonly filter?: string;
}

async function suite(application: LaravelApplication, { engine, mysql, filter }: SuiteOptions): Promise<number> {
  const gateway = await startGateway(engine);
  const chosen = filter === undefined ? [] : ['--filter', filter];
  const args = ['-c', 'tests/Laravel/phpunit.xml', '--colors=never', '--no-progress', ...chosen];
  const said = await php([`${application.folder}/vendor/bin/phpunit`, ...args], {
    env: {
      WAYBILL_URL: gateway.rpcUrl,
      WAYBILL_TEST_APPLICATION: application.folder,
      ...(mysql === undefined ? {} : { APP_DATABASE: 'mysql', APP_MYSQL_URL: mysql }),
    },
    timeoutMs: 880_000,
  });
  const count = /^OK \((\d+) tests?,/m.exec(said)?.[1];
  if (count === undefined) throw new Error(`PHPUnit did not say OK:\n${said.slice(-8_000)}`);
  return Number(count);
}

test('an application made from nothing works its jobs over the embedded engine', { timeout: 900_000 }, async () => {
  expect(newest.version).toMatch(/^12\./);
  expect(await suite(newest, { engine: 'embedded' })).toBeGreaterThan(40);
});

test('an application made from nothing works its jobs over the cluster engine, with MySQL', {
  timeout: 900_000,
}, async () => {
  const own = await ClusterSpace.create();
  try {
    expect(await suite(newest, { engine: 'cluster', mysql: own.databaseUrl })).toBeGreaterThan(40);
  } finally {
    await own.remove();
  }
});

for (const major of OLDER) {
  test(`Laravel ${major} works its jobs too`, { timeout: 900_000 }, async () => {
    const application = await laravelApplication(major);
    expect(application.version).toMatch(new RegExp(`^${major}\\.`));
    // All but the thousand jobs of the killed worker, which are the same work everywhere.
    expect(await suite(application, { engine: 'embedded', filter: '/^(?!.*AmongAThousandJobs)/' })).toBeGreaterThan(40);
  });
}

test('PHPStan finds nothing in what needs Laravel, at its highest level', { timeout: 300_000 }, async () => {
  const autoload = `${newest.folder}/vendor/autoload.php`;
  const args = ['analyse', '-c', 'tests/Laravel/phpstan.neon', '-a', autoload, '--memory-limit=1G', '--no-progress'];
  await php(['vendor/bin/phpstan', ...args], { timeoutMs: 290_000 });
});
