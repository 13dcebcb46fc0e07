import { randomBytes } from 'node:crypto';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { type LaravelApplication, laravelApplication } from '../../php/laravel-application.js';
import { php, preparePhp } from '../../php/php.js';
import { databaseUrl, runSql } from '../../support/cluster-settings.js';
import { ensureDebianPackages } from '../../support/services/debian.js';
import { Lab } from '../lab.js';

const LARAVEL = 12;
const FIGURES = ['request', 'dispatch', 'pipeline', 'bulk', 'work'] as const;
/** Each boots an application. */
const REQUESTS = 200;
/** A driver may lack some. */
type Figures = Readonly<Partial<Record<(typeof FIGURES)[number], number>>>;

interface Driver {
  readonly title: string;
  /** The queue connection of the application. */
  readonly connection: string;
  readonly env: Readonly<Record<string, string>>;
  /** The place of the driver that it is compared with: Waybill on the engine that gives the same. */
  readonly against: number;
}

/**
 * One process dispatches jobs one by one, works them, dispatches as many in a pipeline, and pushes as many again in bulk; then it dispatches
 * jobs as requests under FPM do, each over a connection of its own, from the dispatch to the connection's end. Waybill, the database
 * driver and php-amqplib with confirms have a job on disk before its dispatch (or its pipeline) returns; Redis, as it comes, does not.
 */
export async function benchLaravel(args: readonly string[]): Promise<number> {
  const options = { jobs: { type: 'string', default: '1000' }, rounds: { type: 'string', default: '3' } } as const;
  const { values } = parseArgs({ args: [...args], options });
  const jobs = Math.max(1, Number(values.jobs) || 1_000);
  const rounds = Math.max(1, Number(values.rounds) || 3);
  const load = loadavg()[0] ?? 0;
  await preparePhp();
  await ensureDebianPackages(['php-amqplib']);
  const lab = await Lab.open({ h2load: false });
  try {
    const application = await laravelApplication(LARAVEL);
    const embedded = await lab.gateway('embedded', {});
    const cluster = await lab.gateway('cluster', {});
    const database = `waybill_bench_${randomBytes(4).toString('hex')}`;
    await runSql(lab.urls.mysql, `CREATE DATABASE ${database}`);
    try {
      const mysql = { APP_DATABASE: 'mysql', APP_MYSQL_URL: databaseUrl(lab.urls, database) };
      const amqp = { ...mysql, APP_AMQP_URL: lab.urls.rabbitmq };
      const redis = { ...mysql, APP_REDIS_URL: lab.urls.redis };
      const drivers: Driver[] = [
        { title: 'Waybill, embedded', connection: 'waybill', env: { ...mysql, WAYBILL_URL: embedded.url }, against: 0 },
        { title: 'Waybill, cluster', connection: 'waybill', env: { ...mysql, WAYBILL_URL: cluster.url }, against: 1 },
        { title: 'php-amqplib', connection: 'amqplib', env: amqp, against: 1 },
        { title: 'database (MariaDB)', connection: 'database', env: mysql, against: 0 },
        { title: 'redis (predis)', connection: 'redis', env: redis, against: 0 },
      ];
      if (load > 1)
        console.log(`The machine was not quiet (load ${load.toFixed(1)}): only the ratios mean something.\n`);
      print(drivers, await measureAll(drivers, application, jobs, rounds));
    } finally {
      await runSql(lab.urls.mysql, `DROP DATABASE ${database}`);
      await Promise.all([embedded.remove(), cluster.remove()]);
      application.remove();
    }
  } finally {
    await lab.close();
  }
  return 0;
}

/** In turns, so that what else the machine does hits all; the middle of the rounds counts. */
async function measureAll(
  drivers: readonly Driver[],
  application: LaravelApplication,
  jobs: number,
  rounds: number,
): Promise<Figures[]> {
  const all: Figures[][] = drivers.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [at, driver] of drivers.entries()) all[at]?.push(await measure(driver, application, jobs));
  }
  return all.map((rounds) => {
    const middle = FIGURES.map((name) => [name, median(rounds.flatMap((figures) => figures[name] ?? []))] as const);
    return Object.fromEntries(middle);
  });
}

async function measure({ connection, env }: Driver, application: LaravelApplication, jobs: number): Promise<Figures> {
  const program = new URL('laravel.php', import.meta.url).pathname;
  const said = await php([program, application.folder, connection, String(jobs), String(REQUESTS)], {
    env: { APP_WORK: application.folder, WAYBILL_QUEUE_PREFIX: `bench${randomBytes(5).toString('hex')}.`, ...env },
    timeoutMs: 600_000,
  });
  return JSON.parse(said);
}

/** Every driver's figures, and what Waybill is to it. */
function print(drivers: readonly Driver[], figures: readonly Figures[]): void {
  console.log(
    'jobs a second'.padEnd(22) + FIGURES.map((name) => `${name}`.padStart(10) + 'ratio'.padStart(8)).join(''),
  );
  for (const [at, { title, against }] of drivers.entries()) {
    const cells = FIGURES.map((name) => {
      const [ours, its] = [figures[against]?.[name] ?? Number.NaN, figures[at]?.[name] ?? Number.NaN];
      return Number.isNaN(its)
        ? '-'.padStart(10) + ''.padStart(8)
        : its.toFixed(0).padStart(10) + (ours / its).toFixed(2).padStart(8);
    });
    console.log(title.padEnd(22) + cells.join(''));
  }
  console.log(
    '\nratio: Waybill to this driver; on its cluster engine to php-amqplib, on its embedded one to the others',
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
