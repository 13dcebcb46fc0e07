/** What the bus's messages and those of the table have in common. */
export interface Seen {
  readonly id: string;
  readonly key: string;
  /** When the bus accepted it; rows of a table have no such time. */
  readonly publishedAt?: Date;
  json<T>(): T;
}

/** Counts what a consumer sees: each id once, and of each key the counts in order. */
export class OrderChecker {
  readonly seen = new Set<string>();
  readonly #last = new Map<string, number>();
  /** Of each key, when the bus accepted which count. */
  readonly #accepted = new Map<string, Map<number, number>>();
  duplicated = 0;
  outOfOrder = 0;

  see(message: Seen): void {
    if (this.seen.has(message.id)) {
      this.duplicated++;
      return;
    }
    this.seen.add(message.id);
    if (message.key === '') return;
    const { n } = message.json<{ n: number }>();
    const last = this.#last.get(message.key) ?? 0;
    if (n <= last) this.outOfOrder++;
    else this.#last.set(message.key, n);
    const times = this.#accepted.get(message.key) ?? new Map<number, number>();
    this.#accepted.set(message.key, times.set(n, message.publishedAt?.getTime() ?? 0));
  }

  /** Messages of a key that the bus accepted before an earlier one of it: what a relay answers for. */
  get acceptedOutOfOrder(): number {
    let count = 0;
    for (const times of this.#accepted.values()) {
      const inOrder = [...times].sort(([a], [b]) => a - b).map(([, at]) => at);
      count += inOrder.filter((at, i) => at < (inOrder[i - 1] ?? 0)).length;
    }
    return count;
  }
}
