/** A gap between two ticks that no busy machine explains. */
const STALL_MS = 1_000;
/** What the broker sent before or while the gateway stood still has been read by then. */
const DOUBT_MS = 5_000;

/**
 * Tells that this process stood still (SIGSTOP, a suspended machine). Whatever it finds on its connections then may be old: the
 * broker may have given it up, and another gateway may have settled the same messages. Times are the steady clock's.
 */
export class Stall {
  #tickedAt: number | undefined;
  #doubtUntil = Number.NEGATIVE_INFINITY;

  /** Called many times a second, for as long as the process runs. */
  tick(now: number): void {
    this.#look(now);
    this.#tickedAt = now;
  }

  /** What arrives now must be verified. */
  doubtful(now: number): boolean {
    // A waking process may read its sockets before its timers run.
    this.#look(now);
    return now < this.#doubtUntil;
  }

  #look(now: number): void {
    if (this.#tickedAt !== undefined && now - this.#tickedAt > STALL_MS) this.#doubtUntil = now + DOUBT_MS;
  }
}
