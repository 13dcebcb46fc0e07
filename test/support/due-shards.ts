import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { MysqlConnection } from '../../server/src/adapters/ledger-mysql/connection.js';
import { MysqlSchedule } from '../../server/src/adapters/ledger-mysql/schedule.js';
import { SHARDS } from '../../server/src/model/shard.js';
import { silentLogger } from '../../server/src/ports/logger.js';
import type { Shard } from '../../server/src/ports/schedule.js';
import type { ClusterSpace } from './cluster-space.js';
import type { Gateway } from './gateway.js';
import { linesOf } from './log-lines.js';
import { until } from './until.js';

/** How many of the schedule's shards this gateway said last that it looks after. */
export function shardsOf(gateway: Gateway): number {
  const said = linesOf(gateway, 'shards of the schedule are balanced').filter(({ fields }) => fields.job === 'due');
  return Number(said.at(-1)?.fields.shards ?? 0);
}

/** How many due messages this gateway brought to the broker, over all its starts. It tells at level debug. */
export function releasedBy(gateway: Gateway): number {
  return releasesOf(gateway).reduce((sum, { published }) => sum + published, 0);
}

/** A batch of due messages, from its claim to the broker's confirm and the end of the claim. Unix milliseconds. */
export interface Release {
  readonly claimedAt: number;
  readonly endedAt: number;
  readonly published: number;
}

/** What this gateway released, over all its starts. It tells at level debug. */
export function releasesOf(gateway: Gateway): Release[] {
  return linesOf(gateway, 'due messages were released').map(({ at, fields }) => ({
    claimedAt: at - Number(fields.tookMs),
    endedAt: at,
    published: Number(fields.published),
  }));
}

/** Waits until these gateways have all shards among them, each its fair share. */
export async function sharing(limitMs: number, ...gateways: readonly Gateway[]): Promise<number[]> {
  return until(async () => {
    const shares = gateways.map(shardsOf);
    const fair = Math.ceil(SHARDS / gateways.length);
    const whole = shares.reduce((sum, share) => sum + share, 0) === SHARDS;
    if (!whole || Math.max(...shares) > fair) throw new Error(`the shards are held as ${shares.join(' ')}`);
    return shares;
  }, limitMs);
}

/** The fencing token of each shard that the ledger knows. */
export async function fencesIn({ databaseUrl }: ClusterSpace): Promise<Shard[]> {
  const connection = await createConnection(databaseUrl);
  try {
    const [rows] = await connection.query<(Shard & RowDataPacket)[]>(
      `SELECT CAST(SUBSTRING(name, 5) AS UNSIGNED) AS shard, fence FROM fences WHERE name LIKE 'due:%'`,
    );
    return rows.map(({ shard, fence }) => ({ shard, fence }));
  } finally {
    await connection.end();
  }
}

/** How many messages a gateway with these tokens could claim at this time, in Unix milliseconds. It claims them. */
export async function claimWith(space: ClusterSpace, shards: readonly Shard[], now: number): Promise<number> {
  const connection = mysqlOf(space);
  try {
    await connection.start();
    return (await new MysqlSchedule(connection).claim(now, 1_000, 1, shards)).length;
  } finally {
    await connection.stop();
  }
}

/** MySQL as the gateways of this space reach it; not started yet. */
export function mysqlOf({ settings }: ClusterSpace): MysqlConnection {
  return new MysqlConnection({
    host: settings.DB_HOST,
    port: Number(settings.DB_PORT),
    user: settings.DB_USERNAME,
    password: settings.DB_PASSWORD,
    database: settings.DB_DATABASE,
    logger: silentLogger,
  });
}
