/** What became of every message that a test published: the one that counts is the set. */
export interface SetReport {
  /** Answered OK. */
  readonly published: number;
  /** Their ack was answered OK. */
  readonly acked: number;
  /** Seen among the dead letters. */
  readonly dead: number;
  /** Published, and neither acked nor ended in another way that the bus told of. */
  readonly lost: number;
  /** Deliveries past the first of a message, which at-least-once allows. */
  readonly duplicated: number;
  /** Deliveries of a message whose ack had been answered OK: none is allowed. */
  readonly afterAck: number;
}

interface Waiter {
  readonly condition: (report: SetReport) => boolean;
  readonly resolve: () => void;
}

/** Keeps the books in the order in which things happen in this process: an ack counts from its answer. */
export class SetChecker {
  readonly #published = new Set<string>();
  readonly #acked = new Set<string>();
  readonly #dead = new Set<string>();
  /** Acked, dead, expired or cancelled. */
  readonly #ended = new Set<string>();
  readonly #deliveries = new Map<string, number>();
  readonly #afterAck: string[] = [];
  #duplicated = 0;
  #open = 0;
  #waiters: Waiter[] = [];

  published(id: string): void {
    if (this.#published.has(id)) return;
    this.#published.add(id);
    if (!this.#ended.has(id)) this.#open++;
    this.#changed();
  }

  delivered(id: string): void {
    const before = this.#deliveries.get(id) ?? 0;
    this.#deliveries.set(id, before + 1);
    if (before > 0) this.#duplicated++;
    if (this.#acked.has(id)) this.#afterAck.push(id);
    this.#changed();
  }

  acked(id: string): void {
    this.#acked.add(id);
    this.ended(id);
  }

  dead(id: string): void {
    this.#dead.add(id);
    this.ended(id);
  }

  /** Acked, dead, expired or cancelled: nothing more is owed. */
  ended(id: string): void {
    if (this.#ended.has(id)) return;
    this.#ended.add(id);
    if (this.#published.has(id)) this.#open--;
    this.#changed();
  }

  deliveries(id: string): number {
    return this.#deliveries.get(id) ?? 0;
  }

  get report(): SetReport {
    return {
      published: this.#published.size,
      acked: this.#acked.size,
      dead: this.#dead.size,
      lost: this.#open,
      duplicated: this.#duplicated,
      afterAck: this.#afterAck.length,
    };
  }

  /** Some ids that are lost, for the message of a test that failed. */
  lostIds(most = 10): string[] {
    return [...this.#published].filter((id) => !this.#ended.has(id)).slice(0, most);
  }

  /** Resolves as soon as the condition holds; rejects with the report when it does not within `limitMs`. */
  async until(condition: (report: SetReport) => boolean, limitMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const text = `${JSON.stringify(this.report)}, such as ${this.lostIds().join(' ')}`;
        reject(new Error(`not so within ${limitMs} ms: ${text}`));
      }, limitMs);
    });
    const so = new Promise<void>((resolve) => {
      this.#waiters.push({ condition, resolve });
    });
    this.#changed();
    await Promise.race([so, late]).finally(() => clearTimeout(timer));
  }

  #changed(): void {
    if (this.#waiters.length === 0) return;
    const { report } = this;
    const waiters = this.#waiters;
    this.#waiters = waiters.filter(({ condition }) => !condition(report));
    for (const waiter of waiters) if (!this.#waiters.includes(waiter)) waiter.resolve();
  }
}
