/** What the bus's messages and those of the table have in common. */
export interface Seen {
  readonly id: string;
  readonly key: string;
  json<T>(): T;
}

/** Counts what a consumer sees: each id once, and of each key the counts in order. */
export class OrderChecker {
  readonly seen = new Set<string>();
  readonly #last = new Map<string, number>();
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
  }
}
