import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, onTestFailed } from 'vitest';
import { BusClient } from '../support/client.js';
import type { Gateway } from '../support/gateway.js';
import type { Bus, Part } from './bus.js';
import type { EngineUnderTest, StartOptions } from './engines.js';
import type { LedgerView } from './ledger-view.js';

/** Starts one bus for the tests of a `describe`. What a test killed runs again before the next one. */
export function useBus(engine: EngineUnderTest, options: StartOptions = {}): UsedBus {
  const used = new UsedBus();
  beforeAll(async () => used.set(await engine.start(options)));
  beforeEach(async () => {
    onTestFailed(() => used.printLogs());
    await used.mend();
  });
  afterAll(() => used.remove());
  return used;
}

export class UsedBus {
  #bus: Bus | undefined;
  #clients: BusClient[] = [];

  set(bus: Bus): void {
    this.#bus = bus;
    this.#clients = bus.gateways.map(({ rpcUrl }) => new BusClient(rpcUrl));
  }

  /** A topic of the test's own. */
  topic(name: string): string {
    return `${name}-${randomBytes(4).toString('hex')}`;
  }

  get nodes(): number {
    return this.#running.gateways.length;
  }

  /** The gateway with this number; where the bus has fewer, it goes round: the other node of one is that one. */
  gateway(node = 0): Gateway {
    return at(this.#running.gateways, node);
  }

  client(node = 0): BusClient {
    return at(this.#clients, node);
  }

  part(name: string): Part {
    const part = this.#running.parts.get(name);
    if (part === undefined) throw new Error(`this bus has no part of its own that is called ${name}`);
    return part;
  }

  /** Resolves when the channels that exist outlive a SIGKILL of the engine's parts. */
  channelsKept(): Promise<void> {
    return this.#running.channelsKept();
  }

  get ledger(): LedgerView {
    return this.#running.ledger;
  }

  /** SIGKILL, and a new process on the same data. */
  async crash(node = 0): Promise<void> {
    await this.gateway(node).kill();
    await this.gateway(node).start();
  }

  /** Starts what a test left dead. */
  async mend(): Promise<void> {
    for (const gateway of this.#running.gateways) if (gateway.pid === undefined) await gateway.start();
  }

  printLogs(): void {
    this.#bus?.printLogs();
  }

  async remove(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.#bus?.remove();
  }

  get #running(): Bus {
    if (this.#bus === undefined) throw new Error('the bus does not run yet');
    return this.#bus;
  }
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index % list.length];
  if (item === undefined) throw new Error('the bus has no gateway');
  return item;
}
