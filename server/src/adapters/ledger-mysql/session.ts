import type { PoolConnection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import { BusError } from '../../model/errors.js';
import { faultOf } from './errors.js';

export interface SessionLimits {
  /** Without an answer for this long, the connection is given up, in milliseconds. */
  readonly timeoutMs: number;
  /** The server's `max_allowed_packet`, in bytes. */
  readonly packetBytes: number;
}

/** One connection, for as long as one piece of work has it. */
export class Session {
  /** Statements whose results nobody needs, on their way with the next. */
  #waiting: string[] = [];
  #waitingBytes = 0;

  constructor(
    private readonly connection: PoolConnection,
    private readonly limits: SessionLimits,
  ) {}

  /** How long a statement of several rows may grow, in bytes. */
  get statementBytes(): number {
    return Math.min(this.limits.packetBytes / 2, 8_000_000);
  }

  async rows<T extends RowDataPacket>(query: string): Promise<T[]> {
    const sql = await this.#withWaiting(query);
    if (sql.length === 1) {
      const [rows] = await this.connection.query<T[]>(this.#options(sql));
      return rows;
    }
    const [results] = await this.connection.query<T[][]>(this.#options(sql));
    return results.at(-1) ?? [];
  }

  async run(statement: string): Promise<ResultSetHeader> {
    const sql = await this.#withWaiting(statement);
    if (sql.length === 1) {
      const [result] = await this.connection.query<ResultSetHeader>(this.#options(sql));
      return result;
    }
    const [results] = await this.connection.query<ResultSetHeader[]>(this.#options(sql));
    const result = results.at(-1);
    if (result === undefined) throw new Error('MySQL answered a statement with nothing');
    return result;
  }

  /**
   * Sends the statement with the next one that is waited for, in one packet: a round trip costs more than most statements, and
   * behind a busy event loop many times as much. The server stops at the first that fails, and the one that is waited for rejects.
   */
  async later(statement: string): Promise<void> {
    if (this.#waiting.length > 0 && this.#waitingBytes + statement.length > this.statementBytes) await this.#flush();
    this.#waiting.push(statement);
    this.#waitingBytes += statement.length;
  }

  /** What waits is not sent. */
  drop(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  async #withWaiting(statement: string): Promise<string[]> {
    await this.later(statement);
    const statements = this.#waiting;
    this.drop();
    return statements;
  }

  async #flush(): Promise<void> {
    const waiting = this.#waiting;
    this.drop();
    await this.connection.query(this.#options(waiting));
  }

  #options(statements: readonly string[]) {
    const sql = statements.join(';');
    // The server would close the connection, which looks like a loss of it, and be asked again without end.
    if (sql.length >= this.limits.packetBytes) {
      throw new BusError('BODY_TOO_LARGE', 'the message is larger than MySQL takes: see its max_allowed_packet', {
        limit: `a statement of ${this.limits.packetBytes} bytes, in which a body takes twice its size`,
      });
    }
    return { sql, timeout: this.limits.timeoutMs };
  }
}

/** The work in a transaction: all of it is committed, or nothing. Its begin and its commit travel with its statements. */
export function inTransaction<T>(work: (session: Session) => Promise<T>): (session: Session) => Promise<T> {
  return async (session) => {
    await session.later('START TRANSACTION');
    try {
      const result = await work(session);
      await session.run('COMMIT');
      return result;
    } catch (error) {
      session.drop();
      // A lost connection is rolled back by the server.
      if (faultOf(error) !== 'away') await session.run('ROLLBACK');
      throw error;
    }
  };
}
