import { asciiLiteral } from './literals.js';

/** A row of `deliveries`, `attempts` or `schedule`. Channel 0 is the topic itself. */
export interface Key {
  readonly channel: number;
  readonly topicId: number;
  readonly id: string;
}

/** Ready for a statement: the key's three columns, comma-separated. */
export interface Keyed extends Key {
  readonly sql: string;
}

export interface KeyColumns {
  readonly channel_id: number;
  readonly topic_id: number;
  readonly message_id: string;
}

function keySql(channel: number, topicId: number, id: string): string {
  return `${channel},${topicId},${asciiLiteral(id)}`;
}

export function keyed(channel: number, topicId: number, id: string): Keyed {
  return { channel, topicId, id, sql: keySql(channel, topicId, id) };
}

/** The key of a row that was read: the same text as `keySql` made of it before. */
export function keyOf(row: KeyColumns): string {
  return keySql(row.channel_id, row.topic_id, row.message_id);
}

/** The order of the primary keys. Every statement locks its rows in it, so that two groups wait for each other at most one way. */
export function byKey(a: Key, b: Key): number {
  if (a.channel !== b.channel) return a.channel - b.channel;
  if (a.topicId !== b.topicId) return a.topicId - b.topicId;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/**
 * For `WHERE`. As tuples, MariaDB reads ranges of the key even for thousands; a plain IN of 1,000 it turns into a join. A list of one tuple,
 * in an UPDATE or a DELETE, makes it read, and lock, the whole table: with a million rows waiting that took two seconds.
 */
export function amongKeys(keys: readonly Keyed[], table = ''): string {
  const prefix = table === '' ? '' : `${table}.`;
  const [only] = keys;
  if (only !== undefined && keys.length === 1) {
    const { channel, topicId, id } = only;
    return `${prefix}channel_id = ${channel} AND ${prefix}topic_id = ${topicId} AND ${prefix}message_id = ${asciiLiteral(id)}`;
  }
  let list = '';
  for (const { sql } of keys) list += list === '' ? `(${sql})` : `,(${sql})`;
  return `(${prefix}channel_id, ${prefix}topic_id, ${prefix}message_id) IN (${list})`;
}
