import { randomBytes } from 'node:crypto';
import type { Bus } from '@waybill/sdk';
import { afterAll, beforeAll } from 'vitest';
import { until } from '../support/until.js';
import type { DeadLetter, Features, OpenTransport, TransportUnderTest } from './transports.js';

const LIMIT_MS = 30_000;

/** Opens a transport for the tests of a `describe`. */
export function useTransport(transport: TransportUnderTest): UsedTransport {
  const used = new UsedTransport(transport.features);
  beforeAll(async () => used.set(await transport.open()));
  afterAll(() => used.remove());
  return used;
}

export class UsedTransport {
  #open: OpenTransport | undefined;

  constructor(readonly features: Features) {}

  set(open: OpenTransport): void {
    this.#open = open;
  }

  get bus(): Bus {
    return this.#running.bus;
  }

  /** A topic of the test's own. */
  topic(name: string): string {
    return `${name}-${randomBytes(4).toString('hex')}`;
  }

  another(): Promise<Bus> {
    return this.#running.another();
  }

  restart(): Promise<void> {
    return this.#running.restart();
  }

  /** Resolves when a topic has so many dead letters. */
  deadLetters(topic: string, count: number): Promise<readonly DeadLetter[]> {
    return until(async () => {
      const letters = await this.#running.deadLetters(topic);
      if (letters.length !== count) throw new Error(`${topic} has ${letters.length} dead letters, not ${count}`);
      return letters;
    }, LIMIT_MS);
  }

  async remove(): Promise<void> {
    await this.#open?.remove();
  }

  get #running(): OpenTransport {
    if (this.#open === undefined) throw new Error('the bus does not run yet');
    return this.#open;
  }
}
