import type { Aliased, RecordState } from '../../ports/ledger.js';
import type { Store } from '../sqlite/store.js';
import type { Key } from './key.js';

type Row = Omit<Aliased, 'state'> & { readonly state: RecordState; readonly current: number };

/** Other names of deliveries; they go with the record. `add` runs inside `store.write`, `find` inside `store.read`. */
export function aliasesOf(store: Store) {
  const select = store.prepare<Row>(
    `SELECT a.channel_id AS channel, t.name AS topic, a.message_id AS id, a.attempt, a.nonce, a.ref, d.state, d.nonce AS current
     FROM aliases a
     JOIN deliveries d ON d.channel_id = a.channel_id AND d.topic_id = a.topic_id AND d.message_id = a.message_id
     JOIN topics t ON t.id = a.topic_id
     WHERE a.alias = ?`,
  );
  const last = store.prepare<{ alias: string }>(
    `SELECT alias FROM aliases WHERE channel_id = ? AND topic_id = ? AND message_id = ? AND alias <> ?
     ORDER BY attempt DESC, created_at DESC LIMIT 1`,
  );
  // A commit whose outcome was not known is repeated.
  const insert = store.prepare(
    `INSERT OR IGNORE INTO aliases (alias, channel_id, topic_id, message_id, attempt, nonce, ref, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );

  return {
    find(alias: string): Aliased | undefined {
      const row = select.get(alias);
      if (row === undefined) return undefined;
      const { channel, topic, id, attempt, nonce, ref } = row;
      return { channel, topic, id, attempt, nonce, ref, state: row.current === nonce ? row.state : 'superseded' };
    },
    add({ channel, topic, id }: Key, alias: string, attempt: number, nonce: number, at: number): void {
      const ref = attempt === 1 ? '' : (last.get(channel, topic, id, alias)?.alias ?? '');
      insert.run(alias, channel, topic, id, attempt, nonce, ref, at);
    },
  };
}

export type Aliases = ReturnType<typeof aliasesOf>;
