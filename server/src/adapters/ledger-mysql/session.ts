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
  constructor(
    private readonly connection: PoolConnection,
    private readonly limits: SessionLimits,
  ) {}

  /** How long a statement of several rows may grow, in bytes. */
  get statementBytes(): number {
    return Math.min(this.limits.packetBytes / 2, 8_000_000);
  }

  async rows<T extends RowDataPacket>(sql: string): Promise<T[]> {
    const [rows] = await this.connection.query<T[]>(this.#options(sql));
    return rows;
  }

  async run(sql: string): Promise<ResultSetHeader> {
    const [result] = await this.connection.query<ResultSetHeader>(this.#options(sql));
    return result;
  }

  #options(sql: string) {
    // The server would close the connection, which looks like a loss of it, and be asked again without end.
    if (sql.length >= this.limits.packetBytes) {
      throw new BusError('BODY_TOO_LARGE', 'the message is larger than MySQL takes: see its max_allowed_packet', {
        limit: `a statement of ${this.limits.packetBytes} bytes, in which a body takes twice its size`,
      });
    }
    return { sql, timeout: this.limits.timeoutMs };
  }
}

/** The work in a transaction: all of it is committed, or nothing. */
export function inTransaction<T>(work: (session: Session) => Promise<T>): (session: Session) => Promise<T> {
  return async (session) => {
    await session.run('START TRANSACTION');
    try {
      const result = await work(session);
      await session.run('COMMIT');
      return result;
    } catch (error) {
      // A lost connection is rolled back by the server.
      if (faultOf(error) !== 'away') await session.run('ROLLBACK');
      throw error;
    }
  };
}
