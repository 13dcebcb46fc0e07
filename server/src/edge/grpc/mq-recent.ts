/**
 * Receipts of the deliveries that this gateway gave out lately, by their ids: nearly every id is settled where it was given
 * out, and then the ledger need not be asked what it stands for. Bounded: the oldest go first, and are found in the ledger.
 */
export class RecentReceipts {
  readonly #receipts = new Map<string, string>();

  constructor(private readonly limit = 20_000) {}

  add(id: string, receipt: string): void {
    this.#receipts.set(id, receipt);
    if (this.#receipts.size <= this.limit) return;
    const [oldest] = this.#receipts.keys();
    if (oldest !== undefined) this.#receipts.delete(oldest);
  }

  get(id: string): string | undefined {
    return this.#receipts.get(id);
  }

  /** It is settled: who does so again asks the ledger. */
  drop(id: string): void {
    this.#receipts.delete(id);
  }
}
