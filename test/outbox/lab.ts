import { type Bus, connect, type Subscription } from '@waybill/sdk';
import { createOutbox, type Outbox, outboxTables } from '@waybill/sdk/outbox';
import { createPool, type Pool } from 'mysql2/promise';
import { atTestEnd } from '../support/cleanup.js';
import { ClusterSpace } from '../support/cluster-space.js';
import { type Gateway, startGateway } from '../support/gateway.js';
import { until } from '../support/until.js';
import { OrderChecker } from './order-checker.js';

/** A gateway, a database with an outbox, and a consumer that keeps books. All is gone when the test ends. */
export interface Lab {
  readonly gateway: Gateway;
  readonly bus: Bus;
  readonly databaseUrl: string;
  readonly pool: Pool;
  readonly outbox: Outbox;
  readonly checker: OrderChecker;
  /** Resolves when so many different messages have come. */
  seen(many: number, withinMs?: number): Promise<void>;
  /** How many rows the outbox has. */
  rows(): Promise<number>;
}

export async function outboxLab(topic: string, concurrency = 1): Promise<Lab> {
  const [gateway, { databaseUrl, pool }] = await Promise.all([startGateway('embedded'), outboxDatabase()]);
  const bus = await connect({ url: gateway.rpcUrl });
  const checker = new OrderChecker();
  const subscription: Subscription = bus.subscribe(topic, 'checker', (message) => checker.see(message), {
    concurrency,
  });
  await subscription.ready;
  atTestEnd(() => bus.close());
  return {
    gateway,
    bus,
    databaseUrl,
    pool,
    outbox: createOutbox(),
    checker,
    seen: (many, withinMs = 30_000) =>
      until(async () => {
        if (checker.seen.size < many) throw new Error(`${checker.seen.size} of ${many} messages came`);
      }, withinMs),
    rows: () => cell(pool, 'SELECT COUNT(*) FROM waybill_outbox'),
  };
}

/** A fresh database on the shared MySQL with the outbox's tables. */
export async function outboxDatabase(): Promise<{ databaseUrl: string; pool: Pool }> {
  const space = await ClusterSpace.create();
  const pool = createPool({ uri: space.databaseUrl, connectionLimit: 10 });
  atTestEnd(async () => {
    await pool.end();
    await space.remove();
  });
  for (const statement of outboxTables('mysql', { clients: true })) await pool.query(statement);
  return { databaseUrl: space.databaseUrl, pool };
}

/** Writes `rows` messages in one transaction, over `keys` keys in turn; each body has its place in its key. */
export async function writeKeyed(
  { pool, outbox }: Lab,
  topic: string,
  rows: number,
  keys: number,
  prefix = 'key',
): Promise<void> {
  const connection = await pool.getConnection();
  await connection.beginTransaction();
  const items = Array.from({ length: rows }, (_, i) => ({
    key: `${prefix}-${i % keys}`,
    body: { n: Math.floor(i / keys) + 1 },
  }));
  await outbox.publishMany(connection, topic, items);
  await connection.commit();
  connection.release();
}

/** The number that a statement answers. */
export async function cell(on: Pick<Pool, 'query'>, sql: string): Promise<number> {
  const [rows] = await on.query({ sql, rowsAsArray: true });
  return Number(Array.isArray(rows) && Array.isArray(rows[0]) ? rows[0][0] : Number.NaN);
}
