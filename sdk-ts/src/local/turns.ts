/** Something that has work to do when it is its turn. */
export interface TurnTaker {
  /** Does up to so many pieces of work; answers how many it did. As many as it might: it wants another turn. */
  turn(most: number): number;
}

/** Pieces of one turn, and between two looks at the time: few, so that slow handlers of one channel do not keep the others waiting. */
const TURN = 16;
/** `queueMicrotask` keeps track of async context: measured with one awaited publish after the other, it halves their rate. */
const SOON = Promise.resolve();
/** How long handlers may go on before timers and I/O have their turn, however short each microtask was that ran some. */
const ROUND_MS = 10;

/**
 * Gives turns to the channels that have something to hand out, one after the other. Handlers run in a microtask after the publish, never inside
 * of it, and all that was published together is handed out in one: no promise or timer for each message.
 */
export class Turns {
  readonly #ready = new Set<TurnTaker>();
  readonly #paused: boolean;
  #scheduled = false;
  /** When this turn of the event loop began to do work, by `performance.now()`; 0: it has not. */
  #began = 0;
  #sinceLook = 0;
  #over = false;
  #flushing = 0;
  #quietWaiters: (() => void)[] = [];

  /** `paused`: nothing is handed out but by `flush`. */
  constructor(paused = false) {
    this.#paused = paused;
  }

  add(taker: TurnTaker): void {
    this.#ready.add(taker);
    if (this.#paused && this.#flushing === 0) return;
    this.#schedule();
  }

  /** Whether somebody waits for a turn. */
  get ready(): boolean {
    return this.#ready.size > 0;
  }

  /** Hands out all that is ready, also where that is paused; resolves when nothing is ready any more. What handlers do then may make something ready. */
  async flush(): Promise<void> {
    this.#flushing++;
    try {
      if (this.#ready.size > 0) this.#schedule();
      if (this.#scheduled) await new Promise<void>((resolve) => this.#quietWaiters.push(resolve));
    } finally {
      this.#flushing--;
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (!this.#over) void SOON.then(this.#round);
  }

  readonly #round = (): void => {
    if (this.#began === 0) {
      this.#began = performance.now();
      setImmediate(this.#nextTurn);
    }
    for (const taker of this.#ready) {
      this.#ready.delete(taker);
      const done = taker.turn(TURN);
      // At the end of the line: the others come first.
      if (done >= TURN) this.#ready.add(taker);
      this.#sinceLook += done;
      if (this.#sinceLook < TURN) continue;
      this.#sinceLook = 0;
      this.#over = performance.now() - this.#began > ROUND_MS;
      if (this.#over && this.#ready.size > 0) return;
    }
    this.#scheduled = false;
    const waiters = this.#quietWaiters;
    if (waiters.length === 0) return;
    this.#quietWaiters = [];
    for (const waiter of waiters) waiter();
  };

  readonly #nextTurn = (): void => {
    this.#began = 0;
    this.#over = false;
    if (this.#scheduled) this.#round();
  };
}
