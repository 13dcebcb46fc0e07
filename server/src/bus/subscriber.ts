import type { Delivery, Holder } from './delivery.js';

/** A consumer of a channel, as the dispatcher sees it: a window of credit, and somewhere to send. */
export class Subscriber implements Holder {
  #credit: number;
  /** Deliveries it holds, and those being claimed for it. */
  #outstanding = 0;
  #paused = false;
  #closed = false;

  constructor(
    /** Who it is, for the ledger. */
    readonly name: string,
    readonly leaseMs: number,
    credit: number,
    /** Takes one batch, 1 to the room that is left. */
    readonly send: (deliveries: Delivery[]) => void,
    /** There is room again. */
    private readonly roomy: () => void,
  ) {
    this.#credit = credit;
  }

  get credit(): number {
    return this.#credit;
  }

  set credit(credit: number) {
    this.#credit = credit;
    this.roomy();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** How many more it may be given now. */
  get room(): number {
    return this.#paused || this.#closed ? 0 : Math.max(0, this.#credit - this.#outstanding);
  }

  /** Its transport is full (true), or has drained (false). */
  set paused(paused: boolean) {
    this.#paused = paused;
    if (!paused) this.roomy();
  }

  /** Deliveries that it holds, or that are being claimed for it. */
  get outstanding(): number {
    return this.#outstanding;
  }

  take(count: number): void {
    this.#outstanding += count;
  }

  free(count: number): void {
    this.#outstanding -= count;
    this.roomy();
  }

  close(): void {
    this.#closed = true;
  }
}
