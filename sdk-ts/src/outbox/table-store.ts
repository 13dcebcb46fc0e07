import { INSERT_MISSING, NOW_MS } from './dialect.js';
import { count, type Database, type Steps } from './handles/handle.js';
import { CLIENTS } from './relay-store.js';
import { type Place, type PlacedMessage, placedMessage } from './table-message.js';
import { SLOTS } from './tables.js';

/** How many rows are numbered, or deleted, at a time. */
const CHUNK = 1_000;
/** The clock of generations is the row of this name, which no client may have. */
const CLOCK = '';

/** The statements of docs/outbox.md for table consumers. */
export class TableStore {
  readonly #slots: string;
  readonly #clients: string;
  readonly #now: string;

  constructor(
    readonly database: Database,
    readonly table: string,
  ) {
    this.#slots = `${table}_slots`;
    this.#clients = `${table}_clients`;
    this.#now = NOW_MS[database.dialect];
  }

  /** Takes the slots from relays for good; answers whether all are taken. One that a relay holds just now is free soon. */
  async takeSlots(): Promise<boolean> {
    await this.database.execute(
      `UPDATE ${this.#slots} SET owner = ?, until_ms = ${Number.MAX_SAFE_INTEGER} WHERE until_ms <= ${this.#now}`,
      [CLIENTS],
    );
    const rows = await this.database.query(`SELECT slot FROM ${this.#slots} WHERE owner = ?`, [CLIENTS]);
    return rows.length === SLOTS;
  }

  /** Makes the client when it is new: it begins with the oldest row that is kept, or after all that is there. */
  async register(client: string, from: 'oldest' | 'newest'): Promise<void> {
    const [known] = await this.database.query(`SELECT seq FROM ${this.#clients} WHERE client = ?`, [client]);
    if (known !== undefined) return;
    if (from === 'newest') while ((await this.number()) === CHUNK);
    const [clock] = await this.database.query(`SELECT generation FROM ${this.#clients} WHERE client = ?`, [CLOCK]);
    const place = from === 'newest' ? `${count(clock?.generation)}, ${Number.MAX_SAFE_INTEGER}` : '0, 0';
    const [verb, suffix] = INSERT_MISSING[this.database.dialect];
    await this.database.execute(
      `${verb} INTO ${this.#clients} (client, generation, seq) VALUES (?, ${place})${suffix}`,
      [client],
    );
  }

  /** Gets or keeps the client for the owner of the token; undefined while another process has it. */
  async lease(client: string, token: string, leaseMs: number): Promise<Place | undefined> {
    await this.database.execute(
      `UPDATE ${this.#clients} SET owner = ?, until_ms = ${this.#now} + ${leaseMs}
         WHERE client = ? AND (owner = ? OR until_ms <= ${this.#now})`,
      [token, client, token],
    );
    const [row] = await this.database.query(
      `SELECT generation, seq FROM ${this.#clients} WHERE client = ? AND owner = ?`,
      [client, token],
    );
    return row === undefined ? undefined : { generation: count(row.generation), seq: count(row.seq) };
  }

  /** Stores how far the client is; false when it is another process's by now. */
  async commit(client: string, token: string, { generation, seq }: Place): Promise<boolean> {
    const where = 'WHERE client = ? AND owner = ?';
    const set = `UPDATE ${this.#clients} SET generation = ${generation}, seq = ${seq} ${where}`;
    if ((await this.database.execute(set, [client, token])) > 0) return true;
    // Some servers do not count a row that had these values already.
    return (await this.database.query(`SELECT seq FROM ${this.#clients} ${where}`, [client, token])).length > 0;
  }

  async release(client: string, token: string): Promise<void> {
    await this.database.execute(`UPDATE ${this.#clients} SET owner = '', until_ms = 0 WHERE client = ? AND owner = ?`, [
      client,
      token,
    ]);
  }

  /** Gives committed rows their generation; answers how many. */
  async number(): Promise<number> {
    const [waiting] = await this.database.query(`SELECT seq FROM ${this.table} WHERE generation = 0 LIMIT 1`);
    if (waiting === undefined) return 0;
    return this.database.transaction(() => this.#number());
  }

  // The lock of the clock's row is held to the commit, so generations become visible one after the other, each as a whole.
  *#number(): Steps<number> {
    yield { sql: `UPDATE ${this.#clients} SET generation = generation + 1 WHERE client = ?`, values: [CLOCK] };
    const clock = yield {
      sql: `SELECT generation FROM ${this.#clients} WHERE client = ?`,
      values: [CLOCK],
      rows: true,
    };
    const found = yield {
      sql: `SELECT seq FROM ${this.table} WHERE generation = 0 ORDER BY seq LIMIT ${CHUNK}`,
      rows: true,
    };
    if (found.rows.length === 0) return 0;
    const seqs = found.rows.map(({ seq }) => count(seq)).join(', ');
    const generation = count(clock.rows[0]?.generation);
    yield { sql: `UPDATE ${this.table} SET generation = ${generation} WHERE seq IN (${seqs})` };
    return found.rows.length;
  }

  /** What comes after the place. */
  async read({ generation, seq }: Place, limit: number): Promise<PlacedMessage[]> {
    // Two ranges of the index: an OR of both would read it whole in some databases.
    const columns = 'generation, seq, id, topic, message_key, headers, body, due_ms, created_ms';
    const part = (where: string, order: string, name: string) =>
      `SELECT * FROM (SELECT ${columns} FROM ${this.table} WHERE ${where} ORDER BY ${order} LIMIT ${limit}) AS ${name}`;
    const same = part(`generation = ${generation} AND generation > 0 AND seq > ${seq}`, 'seq', 'same');
    const later = part(`generation > ${generation}`, 'generation, seq', 'later');
    const rows = (await this.database.query(`${same} UNION ALL ${later}`)).map(placedMessage);
    return rows.sort(byPlace).slice(0, limit);
  }

  /** Deletes the rows that all clients have passed. */
  async prune(): Promise<void> {
    const [slowest] = await this.database.query(
      `SELECT generation, seq FROM ${this.#clients} WHERE client <> ? ORDER BY generation, seq LIMIT 1`,
      [CLOCK],
    );
    if (slowest === undefined) return;
    const [generation, seq] = [count(slowest.generation), count(slowest.seq)];
    for (let rows = CHUNK; rows === CHUNK; ) {
      const passed = await this.database.query(
        `SELECT seq FROM ${this.table} WHERE generation > 0 AND generation <= ${generation}
           AND (generation < ${generation} OR seq <= ${seq}) LIMIT ${CHUNK}`,
      );
      rows = passed.length;
      if (rows === 0) return;
      const seqs = passed.map((row) => count(row.seq)).join(', ');
      await this.database.execute(`DELETE FROM ${this.table} WHERE seq IN (${seqs})`);
    }
  }
}

function byPlace(a: PlacedMessage, b: PlacedMessage): number {
  return a.place.generation - b.place.generation || a.place.seq - b.place.seq;
}
