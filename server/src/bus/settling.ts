import type { Outcome } from '../ports/ledger.js';
import type { Delivery, Settling } from './delivery.js';

/** Deliveries that are settled alike in one call. Joining it, a delivery is taken: whoever settles it again waits for the answer. */
export class SettleGroup implements Settling {
  readonly deliveries: Delivery[] = [];
  readonly outcomes: Promise<readonly Outcome[]>;
  #resolve: (outcomes: readonly Outcome[]) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(
    readonly kind: Settling['kind'],
    deliveries: readonly Delivery[] = [],
  ) {
    this.outcomes = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever made the group hears of a failure by other ways.
    this.outcomes.catch(() => {});
    for (const delivery of deliveries) this.add(delivery);
  }

  add(delivery: Delivery): void {
    delivery.settling = this;
    this.deliveries.push(delivery);
  }

  /** The ledger has answered, and the consequences are drawn. */
  answer(outcomes: readonly Outcome[]): void {
    this.#resolve(outcomes);
  }

  /** The ledger was stopped: the deliveries are as they were. */
  fail(error: unknown): void {
    for (const delivery of this.deliveries) delivery.settling = undefined;
    this.#reject(error);
  }
}

/** Resolves when it is over, either way. */
export async function settled({ outcomes }: Settling): Promise<void> {
  await outcomes.catch(() => {});
}
