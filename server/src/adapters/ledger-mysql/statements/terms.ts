import type { SearchTerm } from '../../../model/search-term.js';
import type { Session } from '../session.js';
import { amongKeys, type Keyed } from './keys.js';
import { asciiLiteral, textLiteral } from './literals.js';

/** 128 characters, some of which are two here, and four bytes in the column. */
const VALUE_LENGTH = 256;

/** A record, or a message that waits for its topic, and what it is found by. */
export interface Indexed extends Keyed {
  readonly acceptedAt: number;
  readonly terms: readonly SearchTerm[] | undefined;
}

/** Writes what there is, in the transaction's next round trip. An id that is used anew is found by what it is now. */
export async function writeTerms(session: Session, rows: readonly Indexed[]): Promise<void> {
  let values = '';
  for (const { sql, acceptedAt, terms } of rows) {
    if (terms === undefined) continue;
    for (const term of terms) values += `${values === '' ? '' : ','}(${sql},${termSql(term).join(',')},${acceptedAt})`;
  }
  if (values === '') return;
  await session.later(
    `INSERT INTO terms (channel_id, topic_id, message_id, name, value, accepted_at) VALUES ${values}
     ON DUPLICATE KEY UPDATE value = VALUES(value), accepted_at = VALUES(accepted_at)`,
  );
}

export async function forgetTerms(session: Session, keys: readonly Keyed[], condition = 'TRUE'): Promise<void> {
  if (keys.length === 0) return;
  await session.later(`DELETE t FROM terms t FORCE INDEX (PRIMARY) WHERE ${amongKeys(keys, 't')} AND ${condition}`);
}

/** A condition on the walk along `term_value`. */
export function withTerm(term: SearchTerm): string {
  const [name, value] = termSql(term);
  return `name = ${name} AND value = ${value}`;
}

function termSql({ name, value }: SearchTerm): [name: string, value: string] {
  return [name === '' ? `''` : asciiLiteral(name), textLiteral(value, VALUE_LENGTH)];
}
