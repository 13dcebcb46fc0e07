import { BusError } from '../model/errors.js';
import type { Clock } from '../ports/clock.js';
import { overLimit } from './limit.js';

/** How often deadlines are looked at: one timer for all calls. */
const SWEEP_MS = 50;

interface Waiting {
  /** By the steady clock, in milliseconds. */
  readonly deadline: number;
  readonly expire: () => void;
}

/**
 * Calls that the ledger must answer. While it is away they wait, each up to its own deadline; what they ask for stays with the
 * ledger and may still be done, so it counts until the ledger has answered.
 */
export class LedgerCalls {
  readonly #waiting = new Set<Waiting>();
  #receipts = 0;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(
    private readonly clock: Clock,
    /** Of receipts. One call that is larger goes alone. */
    private readonly most: number,
  ) {}

  /**
   * The answer to a call about so many receipts. Rejects with OVERLOADED when too many wait already, and with LEDGER_UNAVAILABLE
   * at the deadline, in Unix milliseconds: the same call is safe to make again, and tells.
   */
  async answer<T>(receipts: number, deadline: number, ask: () => Promise<T>): Promise<T> {
    if (this.#receipts > 0 && this.#receipts + receipts > this.most) {
      throw overLimit('receipts that wait for the ledger', 'MaxPendingSettles', this.most);
    }
    this.#receipts += receipts;
    const asked = ask().finally(() => {
      this.#receipts -= receipts;
    });
    return deadline === Number.POSITIVE_INFINITY ? asked : this.#until(deadline, asked);
  }

  #until<T>(deadline: number, asked: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const { clock } = this;
      const waiting = { deadline: clock.steady() + deadline - clock.now(), expire: () => reject(late()) };
      this.#waiting.add(waiting);
      this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS);
      asked.then(resolve, reject).finally(() => this.#waiting.delete(waiting));
    });
  }

  #sweep(): void {
    const now = this.clock.steady();
    for (const waiting of this.#waiting) {
      if (waiting.deadline > now) continue;
      this.#waiting.delete(waiting);
      waiting.expire();
    }
    if (this.#waiting.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}

function late(): BusError {
  return new BusError(
    'LEDGER_UNAVAILABLE',
    'the ledger did not answer before the deadline, and may still do what was asked: make the same call again',
  );
}
