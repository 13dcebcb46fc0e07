import type { RowDataPacket } from 'mysql2/promise';
import type { AuditEntry, AuditFilter, AuditLog } from '../../ports/audit-log.js';
import type { Page, PageAsk } from '../../ports/page.js';
import type { MysqlConnection } from './connection.js';
import { textLiteral } from './statements/literals.js';
import { between } from './statements/walks.js';

const NAME_LENGTH = 256;
const TARGET_LENGTH = 1_024;

interface Row extends AuditEntry {
  readonly id: number;
}

/** The audit log in its table. */
export class MysqlAuditLog implements AuditLog {
  readonly #connection: MysqlConnection;

  constructor(connection: MysqlConnection) {
    this.#connection = connection;
  }

  async append({ at, actor, action, target, count, node }: AuditEntry): Promise<void> {
    const texts = [textLiteral(actor, NAME_LENGTH), textLiteral(action, 64), textLiteral(target, TARGET_LENGTH)];
    const values = [at, ...texts, count, textLiteral(node, NAME_LENGTH)];
    await this.#connection.once((session) =>
      session.run(`INSERT INTO audit (at, actor, action, target, count, node) VALUES (${values.join(',')})`),
    );
  }

  /** The position's `channel` is the entry's number. */
  async list({ after, before }: AuditFilter, { limit, from }: PageAsk): Promise<Page<AuditEntry>> {
    const older =
      from === undefined
        ? 'TRUE'
        : `at <= ${from.time} AND (at < ${from.time} OR at = ${from.time} AND id < ${from.channel})`;
    const rows = await this.#connection.once((session) =>
      session.rows<Row & RowDataPacket>(
        `SELECT id, at, actor, action, target, count, node FROM audit FORCE INDEX (audit_at)
         WHERE ${between('at', after, before)} AND ${older} ORDER BY at DESC, id DESC LIMIT ${limit + 1}`,
      ),
    );
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    return { rows: rows.slice(0, limit), next: last && { time: last.at, channel: last.id, topic: 0, id: '' } };
  }

  /** Their numbers are looked for without a lock: so the delete locks those rows alone. */
  async prune(before: number, limit: number): Promise<number> {
    return this.#connection.once(async (session) => {
      const rows = await session.rows<{ readonly id: number } & RowDataPacket>(
        `SELECT id FROM audit FORCE INDEX (audit_at) WHERE at < ${before} ORDER BY at, id LIMIT ${limit}`,
      );
      if (rows.length === 0) return 0;
      await session.run(`DELETE FROM audit WHERE id IN (${rows.map(({ id }) => id).join(',')})`);
      return rows.length;
    });
  }
}
