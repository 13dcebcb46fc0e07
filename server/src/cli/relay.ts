import { connect, type Duration } from '@waybill/sdk';
import { createRelay, type Relay, type RelayOptions } from '@waybill/sdk/outbox';
import type { Command } from 'commander';
import { createPool } from 'mysql2/promise';
import { StartError } from '../model/errors.js';
import { atLeast } from './arguments.js';
import { type ConnectionFlags, interruption, withConnection } from './connection.js';

interface RelayFlags extends ConnectionFlags {
  readonly db?: string;
  readonly table?: string;
  readonly tick?: Duration;
  readonly batch?: number;
  readonly lease?: Duration;
  readonly failed?: boolean;
  readonly retry?: boolean;
  readonly lag?: boolean;
  readonly json?: boolean;
}

interface Database {
  readonly handle: RelayOptions['database'];
  close(): Promise<void> | void;
}

export function relayCommand(program: Command): void {
  withConnection(program.command('relay'))
    .description('publish what applications write into an outbox table; any number may run')
    .option('--db <url>', 'mysql://user:password@host:3306/database or sqlite:path (default: $WAYBILL_OUTBOX_DB)')
    .option('--table <name>', 'the outbox table (default: waybill_outbox)')
    .option('--tick <duration>', 'how long to wait where nothing was (default: 500ms)')
    .option('--batch <rows>', 'the most rows of one read (default: 1000)', atLeast(1))
    .option('--lease <duration>', 'how long the slots of a relay that died are left alone (default: 10s)')
    .option('--lag', 'only says how many rows wait, the age of the oldest, and how many failed')
    .option('--failed', 'only lists the rows that the bus refused')
    .option('--retry', 'only tries the failed rows again')
    .option('--json', 'answers as JSON')
    .action(relay);
}

async function relay(flags: RelayFlags): Promise<void> {
  const database = await openDatabase(flags.db ?? process.env.WAYBILL_OUTBOX_DB);
  const { url, token = process.env.WAYBILL_TOKEN } = flags;
  // A bus that is away is waited for, and the lag is told without one.
  const bus = await connect({
    lazy: true,
    name: `waybill-relay:${process.pid}`,
    ...(url && { url }),
    ...(token && { token }),
  });
  const { table, tick, batch, lease } = flags;
  try {
    const relay = createRelay({
      bus,
      database: database.handle,
      onError: (error, row) =>
        say('stderr', row === undefined ? error.message : `${row.topic} ${row.id}: ${error.message}`),
      ...(table && { table }),
      ...(tick && { tick }),
      ...(batch && { batch }),
      ...(lease && { lease }),
    });
    if (flags.lag || flags.failed || flags.retry) await answer(relay, flags);
    else await run(relay);
  } finally {
    await bus.close();
    await database.close();
  }
}

/** Until it is interrupted. */
async function run(relay: Relay): Promise<void> {
  const interrupted = interruption();
  await relay.start();
  say('stdout', 'relay is running');
  await new Promise<void>((resolve) => interrupted.addEventListener('abort', () => resolve(), { once: true }));
  await relay.stop();
  say('stdout', `published ${relay.published}`);
}

async function answer(relay: Relay, flags: RelayFlags): Promise<void> {
  if (flags.retry) {
    const rows = await relay.retry();
    say('stdout', flags.json ? JSON.stringify({ rows }) : `${rows} rows wait again`);
  } else if (flags.failed) {
    for (let after = 0; ; ) {
      const page = await relay.failed({ after });
      for (const row of page) {
        const { seq, topic, id, attempts, error } = row;
        say('stdout', flags.json ? JSON.stringify(row) : `${seq} ${topic} ${id} attempts=${attempts} ${error}`);
      }
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.seq;
    }
  } else {
    const lag = await relay.lag();
    const { rows, oldestMs, failed } = lag;
    say(
      'stdout',
      flags.json ? JSON.stringify(lag) : `${rows} rows wait, the oldest for ${oldestMs} ms; ${failed} failed`,
    );
  }
}

async function openDatabase(url: string | undefined): Promise<Database> {
  if (url === undefined) throw new StartError('--db is missing: the database of the outbox, mysql://… or sqlite:path');
  if (/^(mysql|mariadb):\/\//.test(url)) {
    const pool = createPool({ uri: url.replace(/^mariadb:/, 'mysql:'), connectionLimit: 4 });
    return { handle: pool, close: () => pool.end() };
  }
  if (url.startsWith('sqlite:')) {
    const { DatabaseSync } = await import('@photostructure/sqlite');
    const database = new DatabaseSync(url.slice('sqlite:'.length), { timeout: 5_000 });
    return { handle: database, close: () => database.close() };
  }
  throw new StartError(
    `--db is ${JSON.stringify(url.replace(/\/\/.*@/, '//***@'))}: it takes mysql://… or sqlite:path`,
  );
}

function say(stream: 'stdout' | 'stderr', line: string): void {
  process[stream].write(`${line}\n`);
}
