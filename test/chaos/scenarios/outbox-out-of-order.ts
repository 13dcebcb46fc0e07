import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '@waybill/sdk';
import { createOutbox, createRelay, outboxTables } from '@waybill/sdk/outbox';
import { createPool, type Pool } from 'mysql2/promise';
import { AckingConsumer } from '../../support/acking-consumer.js';
import { BusClient } from '../../support/client.js';
import { databaseUrl, runSql } from '../../support/cluster-settings.js';
import { SetChecker } from '../../support/set-checker.js';
import { needNone } from '../need.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';

const TOPIC = 'orders';
const WRITERS = 20;
const WAIT_MS = 60_000;

/** The row that got the lowest id commits last: a relay that only looks ahead never sees it. */
export const outboxOutOfOrder: Scenario = {
  name: 'outbox-out-of-order',
  title:
    'outbox rows are committed out of id order, some long after, some never; two relays, and the gateway is killed',
  engines: ['embedded', 'cluster'],
  async play(stage) {
    const gateway = await stage.gateway({ DLMExpiration: 1 });
    const [pool, client] = [await database(stage), new BusClient(gateway.rpcUrl)];
    stage.atEnd(async () => client.close());
    const checker = new SetChecker();
    const consumer = await AckingConsumer.start(client, TOPIC, 'workers', checker);
    stage.atEnd(() => consumer.stop());
    await relays(stage, gateway.rpcUrl, pool);

    const rolledBack: string[] = [];
    const until = performance.now() + stage.pick(60_000, 4_000);
    const writing = Promise.all(Array.from({ length: WRITERS }, () => write(pool, checker, rolledBack, until)));
    let recovered = 0;
    while (performance.now() < until) {
      await delay(stage.pick(5_000, 1_500));
      await gateway.kill();
      const from = performance.now();
      await gateway.start();
      const { acked } = checker.report;
      await checker.until((report) => report.acked > acked, WAIT_MS);
      recovered = Math.max(recovered, (performance.now() - from) / 1_000);
    }
    await writing;
    await checker.until(({ lost }) => lost === 0, WAIT_MS).catch(() => {});
    needNone(
      rolledBack.filter((id) => checker.deliveries(id) > 0),
      'messages of transactions that were rolled back were published',
    );
    return { ...checker.report, recoveredSeconds: recovered };
  },
};

/** A database of the user's own, with an outbox. */
async function database(stage: Stage): Promise<Pool> {
  const name = `waybill_outbox_${randomBytes(5).toString('hex')}`;
  const { services } = stage;
  await runSql(services.mysql, `CREATE DATABASE ${name}`);
  stage.atEnd(() => runSql(services.mysql, `DROP DATABASE ${name}`));
  const pool = createPool({ uri: databaseUrl(services, name), connectionLimit: WRITERS + 10 });
  stage.atEnd(() => pool.end());
  for (const statement of outboxTables('mysql')) await pool.query(statement);
  return pool;
}

async function relays(stage: Stage, url: string, pool: Pool): Promise<void> {
  for (let i = 0; i < 2; i++) {
    const bus = await connect({ url });
    stage.atEnd(() => bus.close());
    const relay = createRelay({ bus, database: pool, tick: '20ms' });
    await relay.start();
    stage.atEnd(() => relay.stop());
  }
}

/** One transaction after the other. The books begin when the user's commit has been answered. */
async function write(pool: Pool, checker: SetChecker, rolledBack: string[], until: number): Promise<void> {
  const outbox = createOutbox();
  while (performance.now() < until) {
    const connection = await pool.getConnection();
    const id = randomUUID();
    await connection.beginTransaction();
    await outbox.publish(connection, TOPIC, { id }, { id });
    // Most are quick; one in ten has later ones overtake it by thousands.
    await delay(Math.random() < 0.1 ? Math.random() * 2_000 : Math.random() * 20);
    if (Math.random() < 0.1) {
      await connection.rollback();
      rolledBack.push(id);
    } else {
      await connection.commit();
      checker.published(id);
    }
    connection.release();
  }
}
