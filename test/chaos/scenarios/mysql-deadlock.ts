import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import type { Scenario } from '../scenario.js';
import { rows, session } from '../sql.js';
import { Traffic } from '../traffic.js';
import { Witness } from '../witness.js';

const DEADLOCK = 1213;
const ROWS_AT_ONCE = 10;
const STEP_MS = 20;
/** Past the gateway's own wait for a lock. */
const HELD_MS = 7_000;

/** The gateway locks records in the order of their keys; somebody else, in the opposite one. */
export const mysqlDeadlock: Scenario = {
  name: 'mysql-deadlock',
  title: 'Deadlocks and lock waits that time out in MySQL, by a session that locks the same rows the other way round',
  engines: ['cluster'],
  async play(stage) {
    const mysql = await stage.borrow('mysql');
    const group = await stage.group({ mysql: mysql.url });
    const gateway = await group.start({ DLMExpiration: 1 });
    const witness = Witness.of(stage, gateway);
    const mix = { delayed: 0.1, nacked: 0.4 };
    const traffic = await Traffic.start(stage, [gateway.rpcUrl], { mix });
    await traffic.flows(stage.pick(2_000, 500));

    const other = await session(stage, group);
    const victims = { before: await count(other, 'lock_deadlocks'), own: 0 };
    const until = performance.now() + stage.pick(60_000, 4_000);
    while (performance.now() < until) if (!(await lockBackwards(other, 0))) victims.own++;
    const lost = (await count(other, 'lock_deadlocks')) - victims.before - victims.own;
    if (lost === 0) throw new Error('the gateway lost no deadlock: nothing was shown');
    for (let n = 1; n <= stage.pick(3, 0); n++) {
      const timeouts = await count(other, 'lock_timeouts');
      while (!(await lockBackwards(other, HELD_MS)));
      if ((await count(other, 'lock_timeouts')) === timeouts) throw new Error('the gateway waited for no lock in vain');
    }
    // None of that means that the server is away.
    await witness.says([], 0);

    const recovered = await traffic.recovered();
    await traffic.flows(stage.pick(2_000, 200));
    const outcome = await traffic.finish(recovered);
    witness.check();
    return outcome;
  },
};

/** Locks what is about to be tried again, last key first, and holds it. False when it lost a deadlock. */
async function lockBackwards(other: Connection, heldMs: number): Promise<boolean> {
  const found = await rows<{ id: string }>(
    other,
    'SELECT message_id id FROM deliveries WHERE state = 3 ORDER BY channel_id DESC, topic_id DESC, message_id DESC',
  );
  await other.query('START TRANSACTION');
  try {
    for (let at = 0; at < found.length; at += ROWS_AT_ONCE) {
      const ids = found.slice(at, at + ROWS_AT_ONCE).map(({ id }) => `'${id}'`);
      await other.query(`SELECT 1 FROM deliveries WHERE message_id IN (${ids.join(',')}) FOR UPDATE`);
      await delay(STEP_MS);
    }
    await delay(heldMs);
    await other.query('ROLLBACK');
    return true;
  } catch (error) {
    if (error instanceof Error && 'errno' in error && error.errno === DEADLOCK) return false;
    throw error;
  }
}

async function count(connection: Connection, name: 'lock_deadlocks' | 'lock_timeouts'): Promise<number> {
  const [found] = await rows<{ count: number }>(
    connection,
    `SELECT count FROM information_schema.INNODB_METRICS WHERE name = '${name}'`,
  );
  return Number(found?.count ?? 0);
}
