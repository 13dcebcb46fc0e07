import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { Admin } from '@waybill/proto/waybill/v1/admin';
import { type Bus, connect } from '@waybill/sdk';
import { localBus } from '@waybill/sdk/local';
import { openBus } from 'waybill';
import { AdminClient } from '../support/admin-client.js';
import { type Engine, gatewayGroup } from '../support/gateway.js';
import { tempFolder } from '../support/reaper.js';

/** Real differences between transports. The assertions of the suites are the same for all. */
export interface Features {
  /** What was published and not settled is there again after the bus has ended and begun anew. Where it is not, `close` has it handled first. */
  readonly durable: boolean;
}

export interface DeadLetter {
  readonly id: string;
  readonly attempts: number;
  readonly reason: string;
}

/** A bus that runs for the tests of one transport. */
export interface OpenTransport {
  /** The bus that all tests share: a test uses topics of its own, and leaves the bus open. */
  readonly bus: Bus;
  /** A bus that a test may close. */
  another(): Promise<Bus>;
  /** Ends the shared bus, and begins it anew on what it has kept. */
  restart(): Promise<void>;
  deadLetters(topic: string): Promise<readonly DeadLetter[]>;
  remove(): Promise<void>;
}

/** What carries a bus. A new one is added to the list, and every suite runs over it. */
export interface TransportUnderTest {
  readonly name: string;
  readonly features: Features;
  open(): Promise<OpenTransport>;
}

export const transports: readonly TransportUnderTest[] = [
  { name: 'memory', features: { durable: false }, open: async () => new InMemory() },
  { name: 'this process, on a file', features: { durable: true }, open: () => InProcess.open() },
  { name: 'gRPC, embedded engine', features: { durable: true }, open: () => OverGrpc.open('embedded') },
  { name: 'gRPC, cluster engine', features: { durable: true }, open: () => OverGrpc.open('cluster') },
];

class InMemory implements OpenTransport {
  bus = localBus();

  async another(): Promise<Bus> {
    return localBus();
  }

  async restart(): Promise<void> {
    await this.bus.close();
    this.bus = localBus();
  }

  async deadLetters(topic: string): Promise<readonly DeadLetter[]> {
    return this.bus.deadLetters({ topic });
  }

  remove(): Promise<void> {
    return this.bus.close({ timeout: 0 });
  }
}

class InProcess implements OpenTransport {
  readonly #folder = tempFolder('in-process');
  #bus: Bus | undefined;
  #others = 0;

  static async open(): Promise<InProcess> {
    const transport = new InProcess();
    await transport.#begin();
    return transport;
  }

  get bus(): Bus {
    if (this.#bus === undefined) throw new Error('the bus does not run');
    return this.#bus;
  }

  another(): Promise<Bus> {
    return openBus({ file: join(this.#folder.path, `another-${++this.#others}.db`) });
  }

  async restart(): Promise<void> {
    await this.bus.close();
    await this.#begin();
  }

  /** The bus alone may open its file, so a copy is looked at; nothing is committed while a test looks. */
  async deadLetters(topic: string): Promise<readonly DeadLetter[]> {
    const copy = tempFolder('bus-copy');
    try {
      for (const file of ['bus.db', 'bus.db-wal']) {
        const from = join(this.#folder.path, file);
        if (existsSync(from)) copyFileSync(from, join(copy.path, file));
      }
      const database = new DatabaseSync(join(copy.path, 'bus.db'));
      const rows = database.prepare(DEAD).all(topic);
      database.close();
      return rows.map((row) => ({ id: `${row.id}`, attempts: Number(row.attempts), reason: `${row.reason}` }));
    } finally {
      copy.remove();
    }
  }

  async remove(): Promise<void> {
    await this.bus.close({ timeout: 0 });
    this.#folder.remove();
  }

  async #begin(): Promise<void> {
    this.#bus = await openBus({ file: join(this.#folder.path, 'bus.db') });
  }
}

const DEAD = `SELECT s.message_id AS id, s.attempt AS attempts, s.reason AS reason FROM schedule s
  JOIN topics t ON t.id = s.topic_id WHERE t.name = ? AND s.state = 'dead'`;

class OverGrpc implements OpenTransport {
  readonly #parts: Awaited<ReturnType<typeof grpcParts>>;
  readonly bus: Bus;

  static async open(engine: Engine): Promise<OverGrpc> {
    return new OverGrpc(await grpcParts(engine));
  }

  private constructor(parts: Awaited<ReturnType<typeof grpcParts>>) {
    this.#parts = parts;
    this.bus = parts.bus;
  }

  another(): Promise<Bus> {
    return connect(this.#parts.gateway.rpcUrl);
  }

  restart(): Promise<void> {
    return this.#parts.gateway.restart();
  }

  async deadLetters(topic: string): Promise<readonly DeadLetter[]> {
    const { dead } = await this.#parts.admin.call(Admin.method.listDead, { query: { topic } });
    return dead.map(({ id, attempt, reason }) => ({ id, attempts: attempt, reason }));
  }

  async remove(): Promise<void> {
    await this.bus.close({ timeout: 0 });
    this.#parts.admin.close();
    await this.#parts.group.remove();
  }
}

async function grpcParts(engine: Engine) {
  const group = await gatewayGroup(engine);
  const gateway = await group.start();
  return { group, gateway, admin: new AdminClient(gateway.rpcUrl), bus: await connect(gateway.rpcUrl) };
}
