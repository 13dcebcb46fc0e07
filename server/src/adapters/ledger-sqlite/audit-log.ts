import type { AuditEntry, AuditFilter, AuditLog } from '../../ports/audit-log.js';
import type { Page, PageAsk } from '../../ports/page.js';
import type { Store } from '../sqlite/store.js';

const UNAVAILABLE = 'LEDGER_UNAVAILABLE';

interface Row extends AuditEntry {
  readonly id: number;
}

/** The audit log in the data file. */
export class SqliteAuditLog implements AuditLog {
  readonly #store: Store;
  readonly #insert;
  readonly #select;
  readonly #prune;

  constructor(store: Store) {
    this.#store = store;
    this.#insert = store.prepare(
      'INSERT INTO audit (at, actor, action, target, count, node) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#prune = store.prepare(
      'DELETE FROM audit WHERE id IN (SELECT id FROM audit INDEXED BY audit_at WHERE at < ? ORDER BY at, id LIMIT ?)',
    );
    this.#select = store.prepare<Row>(
      `SELECT id, at, actor, action, target, count, node FROM audit INDEXED BY audit_at
       WHERE at >= ? AND at < ? AND (at, id) < (?, ?) ORDER BY at DESC, id DESC LIMIT ?`,
    );
  }

  async append({ at, actor, action, target, count, node }: AuditEntry): Promise<void> {
    await this.#store.write(UNAVAILABLE, () => this.#insert.run(at, actor, action, target, count, node));
  }

  prune(before: number, limit: number): Promise<number> {
    return this.#store.write(UNAVAILABLE, () => this.#prune.run(before, limit).changes);
  }

  /** The position's `channel` is the entry's number. */
  async list({ after, before }: AuditFilter, { limit, from }: PageAsk): Promise<Page<AuditEntry>> {
    return this.#store.read(UNAVAILABLE, () => {
      const most = Number.MAX_SAFE_INTEGER;
      const rows = this.#select.all(after, before || most, from?.time ?? most, from?.channel ?? most, limit + 1);
      const last = rows.length > limit ? rows[limit - 1] : undefined;
      return { rows: rows.slice(0, limit), next: last && { time: last.at, channel: last.id, topic: 0, id: '' } };
    });
  }
}
