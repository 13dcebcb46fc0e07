import { quantile } from '../figures.js';
import type { Figures } from './serve-rounds.js';

/** Publishes one message at a time, and takes the time to its confirm and to its delivery. */
export class LoneMessages {
  readonly #publish: (confirmed: (error: unknown) => void) => void;
  #delivered: () => void = () => {};

  constructor(publish: (confirmed: (error: unknown) => void) => void) {
    this.#publish = publish;
  }

  /** To be called as soon as a message comes. */
  delivered(): void {
    this.#delivered();
  }

  async round(messages: number): Promise<Figures> {
    const toConfirm: number[] = [];
    const toDelivery: number[] = [];
    for (let i = 0; i < messages; i++) {
      const start = performance.now();
      const delivery = new Promise<void>((resolve) => {
        this.#delivered = () => {
          toDelivery.push(performance.now() - start);
          resolve();
        };
      });
      await new Promise<void>((resolve, reject) => {
        this.#publish((error) => (error ? reject(error) : resolve()));
      });
      toConfirm.push(performance.now() - start);
      await delivery;
    }
    return { ...percentiles('confirmed', toConfirm), ...percentiles('delivered', toDelivery) };
  }
}

function percentiles(what: string, times: readonly number[]): Figures {
  const sorted = [...times].sort((a, b) => a - b);
  return { [`${what} p50`]: quantile(sorted, 0.5), [`${what} p99`]: quantile(sorted, 0.99) };
}
