import type { Channel, ChannelId } from '../../model/channel.js';
import { decodeRetryPolicy, encodeRetryPolicy, type RetryPolicy } from '../../model/retry-policy.js';
import type { Store } from '../sqlite/store.js';

interface Row {
  readonly id: ChannelId;
  readonly topic: string;
  readonly name: string;
  readonly retry: string | null;
  readonly created_at: number;
  readonly paused: number;
}

/** Every channel. This process alone has the file, so what it remembers is what there is. */
export class Channels {
  readonly #store: Store;
  readonly #upsert;
  readonly #revive;
  readonly #clear;
  readonly #select;
  readonly #known = new Map<string, Channel>();

  constructor(store: Store) {
    this.#store = store;
    this.#upsert = store.prepare<Row>(
      `INSERT INTO channels (topic, name, retry, created_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (topic, name) DO UPDATE SET retry = coalesce(excluded.retry, retry)
       RETURNING id, topic, name, retry, created_at, 0 AS paused`,
    );
    this.#revive = store.prepare(
      `DELETE FROM channel_states WHERE deleted = 1
         AND channel_id = (SELECT id FROM channels WHERE topic = ? AND name = ?)`,
    );
    this.#clear = store.prepare('UPDATE channels SET retry = NULL, created_at = ? WHERE topic = ? AND name = ?');
    this.#select = store.prepare<Row>(
      `SELECT c.id, c.topic, c.name, c.retry, c.created_at, coalesce(s.paused, 0) AS paused
       FROM channels c LEFT JOIN channel_states s ON s.channel_id = c.id
       WHERE coalesce(s.deleted, 0) = 0 ORDER BY c.id`,
    );
    this.#read();
  }

  /** `fresh`: an operator changed the tables. */
  all(fresh: boolean): Channel[] {
    if (fresh) this.#read();
    return [...this.#known.values()];
  }

  #read(): void {
    const rows = this.#store.read('LEDGER_UNAVAILABLE', () => this.#select.all());
    this.#known.clear();
    for (const row of rows) this.#remember(row);
  }

  async get(topic: string, name: string, retry: RetryPolicy | undefined): Promise<Channel> {
    const known = this.#known.get(key(topic, name));
    const policy = encoded(retry);
    if (known !== undefined && (policy === null || policy === encoded(known.retry))) return known;
    const now = this.#store.clock.now();
    const row = await this.#store.write('LEDGER_UNAVAILABLE', () => {
      // Made again after it was deleted, it begins as a new one.
      if (this.#revive.run(topic, name).changes > 0) this.#clear.run(now, topic, name);
      return this.#upsert.get(topic, name, policy, now);
    });
    if (row === undefined) throw new Error(`channel ${topic}/${name} was not written`);
    return this.#remember({ ...row, paused: known?.paused === true ? 1 : 0 });
  }

  #remember({ id, topic, name, retry, created_at, paused }: Row): Channel {
    const policy = retry === null ? undefined : decodeRetryPolicy(retry);
    const channel: Channel = { id, topic, name, retry: policy, createdAt: created_at, paused: paused !== 0 };
    this.#known.set(key(topic, name), channel);
    return channel;
  }
}

/** No name holds a slash. */
function key(topic: string, name: string): string {
  return `${topic}/${name}`;
}

function encoded(retry: RetryPolicy | undefined): string | null {
  return retry === undefined ? null : encodeRetryPolicy(retry);
}
