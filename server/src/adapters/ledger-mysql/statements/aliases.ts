import type { RowDataPacket } from 'mysql2/promise';
import type { ChannelId } from '../../../model/channel.js';
import type { Aliased } from '../../../ports/ledger.js';
import { stateOf } from '../record.js';
import type { Session } from '../session.js';
import type { PlacedEntry } from './deliveries.js';
import { amongKeys, type KeyColumns, keyOf } from './keys.js';
import { asciiLiteral } from './literals.js';

/** Writes the aliases that the entries bring. Runs in the transaction of their leases, which is safe to repeat. */
export async function writeAliases(session: Session, rows: readonly PlacedEntry[]): Promise<void> {
  const named = rows.filter(({ entry }) => aliasOf(entry) !== undefined);
  if (named.length === 0) return;
  const refs = await lastAliases(
    session,
    named.filter(({ entry }) => entry.attempt > 1),
  );
  const values = named.map(({ sql, entry }) => {
    const alias = asciiLiteral(aliasOf(entry) ?? '');
    const ref = refs.get(sql);
    return `(${alias},${sql},${entry.attempt},${entry.nonce},${ref === undefined ? `''` : asciiLiteral(ref)},${entry.at})`;
  });
  await session.later(
    `INSERT INTO aliases (alias, channel_id, topic_id, message_id, attempt, nonce, ref, created_at)
     VALUES ${values.join(',')} ON DUPLICATE KEY UPDATE alias = aliases.alias`,
  );
}

/** What is known by these aliases, by alias. */
export async function findAliases(session: Session, aliases: readonly string[]): Promise<Map<string, Aliased>> {
  const rows = await session.rows<AliasRow>(
    `SELECT STRAIGHT_JOIN a.alias, a.channel_id, t.name, a.message_id, a.attempt, a.nonce, a.ref, d.state, d.nonce AS current
     FROM aliases a
     JOIN deliveries d ON d.channel_id = a.channel_id AND d.topic_id = a.topic_id AND d.message_id = a.message_id
     JOIN topics t ON t.id = a.topic_id
     WHERE a.alias IN (${aliases.map(asciiLiteral).join(',')})`,
  );
  return new Map(rows.map((row) => [row.alias, aliasedOf(row)]));
}

/** The latest alias of each message that has one, by key; not the one that is being written, should the commit be repeated. */
async function lastAliases(session: Session, rows: readonly PlacedEntry[]): Promise<Map<string, string>> {
  if (rows.length === 0) return new Map();
  const own = rows.map(({ entry }) => asciiLiteral(aliasOf(entry) ?? ''));
  const found = await session.rows<KeyColumns & { readonly alias: string } & RowDataPacket>(
    `SELECT channel_id, topic_id, message_id, alias FROM aliases FORCE INDEX (alias_message)
     WHERE ${amongKeys(rows)} AND alias NOT IN (${own.join(',')}) ORDER BY attempt, created_at`,
  );
  return new Map(found.map((row) => [keyOf(row), row.alias]));
}

function aliasOf({ change }: PlacedEntry['entry']): string | undefined {
  return change.state === 'leased' ? change.alias : undefined;
}

interface AliasRow extends RowDataPacket {
  readonly alias: string;
  readonly channel_id: ChannelId;
  readonly name: string;
  readonly message_id: string;
  readonly attempt: number;
  readonly nonce: number;
  readonly ref: string;
  readonly state: number;
  readonly current: number;
}

function aliasedOf({ channel_id, name, message_id, attempt, nonce, ref, state, current }: AliasRow): Aliased {
  return {
    channel: channel_id,
    topic: name,
    id: message_id,
    attempt,
    nonce,
    ref,
    state: current === nonce ? stateOf(state) : 'superseded',
  };
}
