/** A channel that confirms nothing for so long is replaced, though its connection lives; each time in a row after a fifth as long again. */
const SILENT_MS = 5_000;
/**
 * The most that this becomes. A publish that waits for so long while others are confirmed has the channel replaced, too: its queue may have
 * another leader by now, which the channel does not know. Sooner would be wrong: a queue without a majority confirms nothing on any
 * channel, and with each replacement all publishing pauses.
 */
const MOST_SILENT_MS = 30_000;

/** How long a channel is waited for that does not confirm. All times by the steady clock, in milliseconds. */
export class Patience {
  #silentMs = SILENT_MS;
  #confirmedAt = 0;
  #unblockedAt = 0;

  confirmed(now: number): void {
    this.#confirmedAt = now;
    this.#silentMs = SILENT_MS;
  }

  /** An alarm of the broker is over: what was written before has been waited for since then. */
  unblocked(now: number): void {
    this.#unblockedAt = now;
  }

  /** Why the channel is to be replaced now, if it is; `writtenAt` is of what has waited longest. */
  lost(writtenAt: number, now: number): string | undefined {
    const since = Math.max(writtenAt, this.#unblockedAt);
    if (now - Math.max(since, this.#confirmedAt) >= this.#silentMs) {
      this.#silentMs = Math.min(1.2 * this.#silentMs, MOST_SILENT_MS);
      return 'RabbitMQ confirms nothing';
    }
    return now - since >= MOST_SILENT_MS ? 'RabbitMQ does not confirm a publish' : undefined;
  }
}
