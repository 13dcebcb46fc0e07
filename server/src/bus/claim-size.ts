/** Bytes of message that one claim should bring into memory. */
const TARGET_BYTES = 16 * 1024 * 1024;
const MOST = 500;

/** How many waiting messages to claim at once: many small ones, few large ones, learnt from the last batch. */
export class ClaimSize {
  #next = 50;

  get next(): number {
    return this.#next;
  }

  observe(batch: readonly { readonly message: { readonly wire: Uint8Array } }[]): void {
    if (batch.length === 0) return;
    let bytes = 0;
    for (const { message } of batch) bytes += message.wire.length;
    this.#next = Math.max(1, Math.min(MOST, Math.floor(TARGET_BYTES / (bytes / batch.length))));
  }
}
