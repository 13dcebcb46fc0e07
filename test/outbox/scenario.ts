/** "Outbox rows committed out of id order": writers that commit late, relays that move what they wrote, and a consumer that counts. */
import { randomBytes } from 'node:crypto';
import { connect } from '@waybill/sdk';
import { createRelay, outboxTables, type Relay } from '@waybill/sdk/outbox';
import { createPool, type Pool } from 'mysql2/promise';
import { until } from '../support/until.js';
import { OrderChecker } from './order-checker.js';
import { writeLate } from './writers.js';

export interface ScenarioOptions {
  /** `host:port` of a gateway. */
  readonly gatewayUrl: string;
  /** Of a database in which the scenario may make tables. */
  readonly databaseUrl: string;
  /** Default: 10. */
  readonly writers?: number;
  /** Of each writer. Default: 50. */
  readonly transactions?: number;
  /** Default: 2. */
  readonly relays?: number;
  readonly keys?: number;
  readonly lateMs?: number;
  readonly withinMs?: number;
}

export interface ScenarioReport {
  /** Messages whose transaction committed. */
  readonly published: number;
  /** Of these, those that a consumer acked. */
  readonly acked: number;
  readonly lost: number;
  readonly duplicated: number;
  /** Messages of a key that came after a later one of it. */
  readonly outOfOrder: number;
  /** Messages of a key that the bus accepted before an earlier one of it. */
  readonly acceptedOutOfOrder: number;
  /** Messages that came although their transaction rolled back. */
  readonly unwritten: number;
  /** Transactions that committed after one with a higher number. */
  readonly late: number;
  /** How many rows each relay published. */
  readonly byRelay: readonly number[];
}

export async function outboxOutOfOrder(options: ScenarioOptions): Promise<ScenarioReport> {
  const { gatewayUrl, databaseUrl, writers = 10, transactions = 50, relays: many = 2, keys = 20 } = options;
  const { lateMs = 30, withinMs = 60_000 } = options;
  const topic = `outbox.${randomBytes(4).toString('hex')}`;
  const bus = await connect({ url: gatewayUrl });
  const pool = createPool({ uri: databaseUrl, connectionLimit: 8 });
  const buses = await Promise.all(Array.from({ length: many }, () => connect({ url: gatewayUrl })));
  const relays: Relay[] = [];
  const checker = new OrderChecker();
  const acked = new Set<string>();
  const errors: Error[] = [];
  try {
    for (const statement of outboxTables('mysql')) await pool.query(statement);
    const subscription = bus.subscribe(topic, 'checker', (message) => checker.see(message), { concurrency: 1 });
    await subscription.ready;
    for (const own of buses) {
      const relay = createRelay({ bus: own, database: pool, tick: '20ms', onError: (error) => errors.push(error) });
      relays.push(relay);
      await relay.start();
    }
    const written = await writeLate({ databaseUrl, topic, writers, transactions, keys, lateMs });
    await until(async () => {
      if ([...written.ids].some((id) => !checker.seen.has(id))) throw new Error(`not all came: ${checker.seen.size}`);
    }, withinMs).catch(() => undefined);
    await until(() => drained(pool), withinMs).catch(() => undefined);
    await subscription.stop();
    for (const id of checker.seen) if (written.ids.has(id)) acked.add(id);
    return {
      published: written.ids.size,
      acked: acked.size,
      lost: written.ids.size - acked.size,
      duplicated: checker.duplicated,
      outOfOrder: checker.outOfOrder,
      acceptedOutOfOrder: checker.acceptedOutOfOrder,
      unwritten: [...written.rolledBack].filter((id) => checker.seen.has(id)).length,
      late: written.late,
      byRelay: relays.map(({ published }) => published),
    };
  } finally {
    await Promise.all(relays.map((relay) => relay.stop()));
    await Promise.all([bus, ...buses].map((each) => each.close()));
    await pool.end();
  }
}

async function drained(pool: Pool): Promise<void> {
  const [rows] = await pool.query('SELECT 1 FROM waybill_outbox LIMIT 1');
  if (Array.isArray(rows) && rows.length > 0) throw new Error('rows are left');
}
