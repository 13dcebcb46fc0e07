import type { Channel, ChannelId } from '../../model/channel.js';
import type { RetryPolicy } from '../../model/retry-policy.js';
import type { Store } from '../sqlite/store.js';

interface Row {
  readonly id: ChannelId;
  readonly topic: string;
  readonly name: string;
  readonly retry: string | null;
}

/** Every channel. This process alone has the file, so what it remembers is what there is. */
export class Channels {
  readonly #store: Store;
  readonly #upsert;
  readonly #known = new Map<string, Channel>();

  constructor(store: Store) {
    this.#store = store;
    this.#upsert = store.prepare<Row>(
      `INSERT INTO channels (topic, name, retry, created_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (topic, name) DO UPDATE SET retry = coalesce(excluded.retry, retry)
       RETURNING id, topic, name, retry`,
    );
    const all = store.prepare<Row>('SELECT id, topic, name, retry FROM channels ORDER BY id');
    for (const row of store.read('LEDGER_UNAVAILABLE', () => all.all())) this.#remember(row);
  }

  all(): Channel[] {
    return [...this.#known.values()];
  }

  async get(topic: string, name: string, retry: RetryPolicy | undefined): Promise<Channel> {
    const known = this.#known.get(key(topic, name));
    const policy = retry === undefined ? null : JSON.stringify(retry);
    if (known !== undefined && (policy === null || policy === JSON.stringify(known.retry))) return known;
    const now = this.#store.clock.now();
    const row = await this.#store.write('LEDGER_UNAVAILABLE', () => this.#upsert.get(topic, name, policy, now));
    if (row === undefined) throw new Error(`channel ${topic}/${name} was not written`);
    return this.#remember(row);
  }

  #remember({ id, topic, name, retry }: Row): Channel {
    const channel: Channel = { id, topic, name, retry: retry === null ? undefined : JSON.parse(retry) };
    this.#known.set(key(topic, name), channel);
    return channel;
  }
}

/** No name holds a slash. */
function key(topic: string, name: string): string {
  return `${topic}/${name}`;
}
