import type { Store } from '../sqlite/store.js';

/** Names that are remembered; past it the memory starts anew. */
const MAX_REMEMBERED = 50_000;

/** Numbers for topics, or gateways: a record names its own in a few bytes. */
export class Topics {
  readonly #ids = new Map<string, number>();
  readonly #select;
  readonly #insert;

  constructor(store: Store, table: 'topics' | 'nodes' = 'topics') {
    this.#select = store.prepare<{ id: number }>(`SELECT id FROM ${table} WHERE name = ?`);
    this.#insert = store.prepare(`INSERT INTO ${table} (name) VALUES (?)`);
    // A number that was given in a commit that failed may be given to another topic.
    store.onRollback(() => this.#ids.clear());
  }

  /** Undefined when nothing was ever recorded of the topic. */
  find(name: string): number | undefined {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const id = this.#select.get(name)?.id;
    if (id !== undefined) this.#remember(name, id);
    return id;
  }

  /** Runs inside `store.write`. */
  number(name: string): number {
    const known = this.find(name);
    if (known !== undefined) return known;
    const id = Number(this.#insert.run(name).lastInsertRowid);
    this.#remember(name, id);
    return id;
  }

  #remember(name: string, id: number): void {
    if (this.#ids.size >= MAX_REMEMBERED) this.#ids.clear();
    this.#ids.set(name, id);
  }
}
