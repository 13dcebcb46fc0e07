import type { ChannelId } from '../../../model/channel.js';
import type { Position } from '../../../ports/page.js';
import { textLiteral } from './literals.js';

/** A look along an index that ends in the primary key, from a position on. */
export interface Walk {
  readonly table: 'deliveries' | 'schedule' | 'terms';
  readonly index: string;
  /** The columns of the index that the order begins with, and what each is at the position that it goes on from. */
  readonly columns: readonly string[];
  readonly from: readonly number[] | undefined;
  readonly position: Position | undefined;
  readonly order: 'ASC' | 'DESC';
  readonly condition: string;
}

const KEY = ['channel_id', 'topic_id', 'message_id'];

/** A walk by a time, from the newest on. */
export function newestFirst(
  { table, index, condition }: Pick<Walk, 'table' | 'index' | 'condition'>,
  column: string,
  position: Position | undefined,
): Walk {
  return { table, index, condition, columns: [column], from: position && [position.time], position, order: 'DESC' };
}

/** Up to `scan` keys along the index; as columns `channel_id`, `topic_id`, `message_id` and those of the walk. */
export function walkSql(walk: Walk, scan: number): string {
  return `SELECT ${[...KEY, ...walk.columns].join(', ')} ${found(walk)} LIMIT ${scan}`;
}

/** Where a walk of so many keys ends; nothing when the index ends before. */
export function stopSql(walk: Walk, scan: number): string {
  return `SELECT ${walk.columns[0]} AS time, channel_id AS channel, topic_id AS topic, message_id AS id
    ${found(walk)} LIMIT 1 OFFSET ${scan - 1}`;
}

/**
 * One page of a walk: the keys that fit, before anything wide is read of them. `joins` and `condition` know the keys as `f`, and
 * so does whatever reads the rows of the page, by `pageOrder`.
 */
export function pageSql(walk: Walk, scan: number, rows: number, condition: string, joins = ''): string {
  const columns = [...KEY, ...walk.columns].map((column) => `f.${column}`).join(', ');
  return `(SELECT STRAIGHT_JOIN ${columns} FROM (${walkSql(walk, scan)}) f ${joins} WHERE ${condition}
    ORDER BY ${pageOrder(walk)} LIMIT ${rows})`;
}

export function pageOrder({ columns, order }: Walk): string {
  return [...columns, ...KEY].map((column) => `f.${column} ${order}`).join(', ');
}

function found(walk: Walk): string {
  const order = [...walk.columns, ...KEY].map((column) => `${column} ${walk.order}`).join(', ');
  return `FROM ${walk.table} FORCE INDEX (${walk.index}) WHERE ${walk.condition} AND ${behind(walk)} ORDER BY ${order}`;
}

/**
 * What comes behind the position. Compared column by column: neither MySQL nor MariaDB reads a range for a comparison of rows. The
 * first term, which the others imply, is what the range is read by.
 */
function behind({ columns, from, position, order }: Walk): string {
  if (from === undefined || position === undefined) return 'TRUE';
  const past = order === 'ASC' ? '>' : '<';
  const { channel, topic, id } = position;
  const all: [string, string][] = [
    ...columns.map((column, i): [string, string] => [column, String(from[i] ?? 0)]),
    ['channel_id', String(channel)],
    ['topic_id', String(topic)],
  ];
  const last = `message_id ${past} ${textLiteral(id, id.length)}`;
  const rest = all.reduceRight(
    (inner, [column, value]) => `(${column} ${past} ${value} OR ${column} = ${value} AND ${inner})`,
    last,
  );
  return `${columns[0]} ${past}= ${from[0]} AND ${rest}`;
}

/** The times from `after` on and before `before`; 0 is no limit. */
export function between(column: string, after: number, before: number): string {
  return `${column} >= ${after}${before === 0 ? '' : ` AND ${column} < ${before}`}`;
}

export function ofTopic(topicId: number | undefined): string {
  return topicId === undefined ? 'TRUE' : `f.topic_id = ${topicId}`;
}

export function ofChannels(channels: readonly (ChannelId | 0)[] | undefined): string {
  if (channels === undefined) return 'TRUE';
  return channels.length === 0 ? 'FALSE' : `f.channel_id IN (${channels.join(',')})`;
}
