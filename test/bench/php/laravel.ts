import { randomBytes } from 'node:crypto';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { type LaravelApplication, laravelApplication } from '../../php/laravel-application.js';
import { php, preparePhp } from '../../php/php.js';
import { databaseUrl, runSql } from '../../support/cluster-settings.js';
import { Lab } from '../lab.js';

const LARAVEL = 12;
const FIGURES = ['dispatch', 'bulk', 'work'] as const;
type Figures = Readonly<Record<(typeof FIGURES)[number], number>>;

interface Driver {
  readonly title: string;
  /** The queue connection of the application. */
  readonly connection: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * One process dispatches jobs one by one, works them, and pushes as many again in bulk. Waybill and the database driver have a job on disk
 * before its dispatch returns; Redis, as it comes, does not.
 */
export async function benchLaravel(args: readonly string[]): Promise<number> {
  const options = { jobs: { type: 'string', default: '1000' }, rounds: { type: 'string', default: '3' } } as const;
  const { values } = parseArgs({ args: [...args], options });
  const jobs = Math.max(1, Number(values.jobs) || 1_000);
  const rounds = Math.max(1, Number(values.rounds) || 3);
  const load = loadavg()[0] ?? 0;
  await preparePhp();
  const lab = await Lab.open({ h2load: false });
  try {
    const application = await laravelApplication(LARAVEL);
    const embedded = await lab.gateway('embedded', {});
    const cluster = await lab.gateway('cluster', {});
    const database = `waybill_bench_${randomBytes(4).toString('hex')}`;
    await runSql(lab.urls.mysql, `CREATE DATABASE ${database}`);
    try {
      const mysql = { APP_DATABASE: 'mysql', APP_MYSQL_URL: databaseUrl(lab.urls, database) };
      const drivers: Driver[] = [
        { title: 'Waybill, embedded', connection: 'waybill', env: { ...mysql, WAYBILL_URL: embedded.url } },
        { title: 'Waybill, cluster', connection: 'waybill', env: { ...mysql, WAYBILL_URL: cluster.url } },
        { title: 'database (MariaDB)', connection: 'database', env: mysql },
        { title: 'redis (predis)', connection: 'redis', env: { ...mysql, APP_REDIS_URL: lab.urls.redis } },
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
  return all.map((figures) => ({
    dispatch: median(figures.map(({ dispatch }) => dispatch)),
    bulk: median(figures.map(({ bulk }) => bulk)),
    work: median(figures.map(({ work }) => work)),
  }));
}

async function measure({ connection, env }: Driver, application: LaravelApplication, jobs: number): Promise<Figures> {
  const program = new URL('laravel.php', import.meta.url).pathname;
  const said = await php([program, application.folder, connection, String(jobs)], {
    env: { APP_WORK: application.folder, WAYBILL_QUEUE_PREFIX: `bench${randomBytes(5).toString('hex')}.`, ...env },
    timeoutMs: 600_000,
  });
  const { dispatch, bulk, work } = JSON.parse(said);
  return { dispatch: Number(dispatch), bulk: Number(bulk), work: Number(work) };
}

/** Every driver's figures, and what Waybill on its embedded engine is to it. */
function print(drivers: readonly Driver[], figures: readonly Figures[]): void {
  console.log(
    'jobs a second'.padEnd(22) + FIGURES.map((name) => `${name}`.padStart(10) + 'ratio'.padStart(8)).join(''),
  );
  for (const [at, { title }] of drivers.entries()) {
    const cells = FIGURES.map((name) => {
      const [ours, its] = [figures[0]?.[name] ?? Number.NaN, figures[at]?.[name] ?? Number.NaN];
      return its.toFixed(0).padStart(10) + (ours / its).toFixed(2).padStart(8);
    });
    console.log(title.padEnd(22) + cells.join(''));
  }
  console.log('\nratio: Waybill, embedded, to this driver');
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
