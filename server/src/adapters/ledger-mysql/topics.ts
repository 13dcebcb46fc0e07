import type { RowDataPacket } from 'mysql2/promise';
import type { Session } from './session.js';
import { asciiLiteral } from './statements/literals.js';

/** Each is about 200 bytes here. Past this many it starts anew, so that topics made without end do not fill the memory. */
const MAX_KNOWN = 100_000;

type Run = <T>(work: (session: Session) => Promise<T>) => Promise<T>;

/** Numbers for topics, or gateways, so that a delivery's row need not repeat the name. */
export class Topics {
  #known = new Map<string, number>();

  constructor(private readonly table: 'topics' | 'nodes' = 'topics') {}

  /** The number of each topic, in order; those that are new get one. Without new ones, `run` is not called. */
  async numbers(topics: readonly string[], run: Run): Promise<number[]> {
    const numbers: number[] = new Array(topics.length);
    const missing = new Map<string, number[]>();
    for (let i = 0; i < topics.length; i++) {
      const topic = topics[i] as string;
      const number = this.#known.get(topic);
      if (number !== undefined) {
        numbers[i] = number;
        continue;
      }
      const places = missing.get(topic);
      if (places === undefined) missing.set(topic, [i]);
      else places.push(i);
    }
    if (missing.size === 0) return numbers;
    const found = await run((session) => intern(session, this.table, [...missing.keys()]));
    if (this.#known.size + found.size > MAX_KNOWN) this.#known.clear();
    for (const [topic, number] of found) {
      this.#known.set(topic, number);
      for (const place of missing.get(topic) ?? []) numbers[place] = number;
    }
    return numbers;
  }
}

interface TopicRow extends RowDataPacket {
  readonly id: number;
  readonly name: string;
}

async function intern(session: Session, table: string, names: readonly string[]): Promise<Map<string, number>> {
  const numbers = await find(session, table, names);
  // Looked up first: an insert that is ignored uses up a number all the same.
  const missing = names.filter((name) => !numbers.has(name)).sort();
  if (missing.length === 0) return numbers;
  await session.run(
    `INSERT IGNORE INTO ${table} (name) VALUES ${missing.map((name) => `(${asciiLiteral(name)})`).join(',')}`,
  );
  for (const [name, number] of await find(session, table, missing)) numbers.set(name, number);
  return numbers;
}

async function find(session: Session, table: string, names: readonly string[]): Promise<Map<string, number>> {
  const rows = await session.rows<TopicRow>(
    `SELECT id, name FROM ${table} WHERE name IN (${names.map(asciiLiteral).join(',')})`,
  );
  return new Map(rows.map(({ id, name }) => [name, id]));
}
