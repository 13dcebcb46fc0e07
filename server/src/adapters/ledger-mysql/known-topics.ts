import type { RowDataPacket } from 'mysql2/promise';
import type { MysqlConnection } from './connection.js';
import { asciiLiteral } from './statements/literals.js';

/** More than these are looked up in several statements. */
const STATEMENT_NAMES = 1_000;

/** The numbers of those topics that have one. Looking makes none, other than `Topics.numbers` does. */
export async function knownTopics(connection: MysqlConnection, names: readonly string[]): Promise<Map<string, number>> {
  const numbers = new Map<string, number>();
  const distinct = [...new Set(names)];
  for (let from = 0; from < distinct.length; from += STATEMENT_NAMES) {
    const list = distinct
      .slice(from, from + STATEMENT_NAMES)
      .map(asciiLiteral)
      .join(',');
    const rows = await connection.once((session) =>
      session.rows<{ readonly id: number; readonly name: string } & RowDataPacket>(
        `SELECT id, name FROM topics WHERE name IN (${list})`,
      ),
    );
    for (const { id, name } of rows) numbers.set(name, id);
  }
  return numbers;
}

export async function knownTopic(connection: MysqlConnection, name: string): Promise<number | undefined> {
  return (await knownTopics(connection, [name])).get(name);
}
