import type { Clock } from '../ports/clock.js';

const WINDOW_MS = 10_000;
/** Of one kind in a window. */
const BURST = 5;
const MAX_KINDS = 1_000;

/** Lets a few of each kind through in a while: a flood of the same says no more than its first lines and their number. */
export class Rare {
  readonly #kinds = new Map<string, { since: number; passed: number; held: number }>();

  constructor(private readonly clock: Pick<Clock, 'steady'>) {}

  /** Undefined: not now. Else how many of the kind were held back since the last that passed. */
  pass(kind: string): number | undefined {
    const now = this.clock.steady();
    let known = this.#kinds.get(kind);
    if (known === undefined) {
      if (this.#kinds.size >= MAX_KINDS) this.#kinds.clear();
      known = { since: now, passed: 0, held: 0 };
      this.#kinds.set(kind, known);
    } else if (now - known.since >= WINDOW_MS) {
      known.since = now;
      known.passed = 0;
    }
    if (known.passed === BURST) {
      known.held++;
      return undefined;
    }
    known.passed++;
    const { held } = known;
    known.held = 0;
    return held;
  }
}
