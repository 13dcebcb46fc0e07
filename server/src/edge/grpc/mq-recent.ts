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

  /** Once: who settles it again asks the ledger. */
  take(id: string): string | undefined {
    const receipt = this.#receipts.get(id);
    if (receipt !== undefined) this.#receipts.delete(id);
    return receipt;
  }
}
