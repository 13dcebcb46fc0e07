import { expect } from 'vitest';
import { BusClient } from '../support/client.js';
import type { ConsumerStream } from '../support/consumer-stream.js';
import type { Gateway } from '../support/gateway.js';

/** Consumes everything that a gateway accepts, so that a test sees whether bad input cost or added a message. */
export class Witness {
  readonly #pid: number | undefined;

  static async of(gateway: Gateway): Promise<Witness> {
    const client = new BusClient(gateway.rpcUrl);
    return new Witness(gateway, client, await client.subscribe('#', 'witness', { credit: 500 }));
  }

  private constructor(
    readonly gateway: Gateway,
    readonly client: BusClient,
    readonly stream: ConsumerStream,
  ) {
    this.#pid = gateway.pid;
  }

  /**
   * Does something bad between two good publishes. Both messages must arrive, and between them only what the bad one published
   * by right, `accepted`; and the process must be the one that it was.
   */
  async sees<T>(work: () => Promise<T>, accepted: readonly string[] = []): Promise<T> {
    const before = await this.client.publishOne({ topic: 'good', body: 'before' });
    const result = await work();
    const after = await this.client.publishOne({ topic: 'good', body: 'after' });
    // As many as there should be: one too many would be found by the next test. Their order is not promised.
    const expected = [before.id, ...accepted, after.id].sort();
    const arrived = await this.#take(expected.length);
    expect(arrived.sort()).toEqual(expected);
    this.expectAlive();
    return result;
  }

  /** The same process as ever, and no fault of its own in its log. */
  expectAlive(): void {
    expect(this.gateway.pid).toBe(this.#pid);
  }

  /** The ids of the next so many; each is acked. */
  async #take(count: number): Promise<string[]> {
    const ids: string[] = [];
    while (ids.length < count) {
      const { id, receipt } = await this.stream.next();
      expect(await this.stream.ack([receipt])).toEqual(['ok']);
      ids.push(id);
    }
    return ids;
  }

  close(): void {
    this.client.close();
  }
}

/** The lines of a gateway's log that tell of a fault. */
export function faultsOf(gateway: Gateway): string[] {
  return gateway
    .log()
    .split('\n')
    .filter((line) => /"level":"(error|fatal)"|^\s+at |^node:|UnhandledPromiseRejection|DeprecationWarning/.test(line));
}
