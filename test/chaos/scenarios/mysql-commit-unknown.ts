import { setTimeout as delay } from 'node:timers/promises';
import type { Service } from '../../support/services/service.js';
import type { Scenario } from '../scenario.js';
import { rows, session } from '../sql.js';
import { SwallowingProxy } from '../swallowing-proxy.js';
import { Traffic } from '../traffic.js';
import { Witness } from '../witness.js';

/** Past the time after which the gateway gives up a statement that has no answer. */
const FROZEN_MS = 20_000;
const PAUSE_MS = 100;

/**
 * Whether they were made can't be known: by the SDK, what was not answered is published again under the same id, and acked again.
 * One that was delivered once more after its ack, or twice with its ack, would show in the books.
 */
export const mysqlCommitUnknown: Scenario = {
  name: 'mysql-commit-unknown',
  title: 'MySQL commits without an answer: it is lost on the way, or the server froze past every timeout',
  engines: ['cluster'],
  async play(stage) {
    const mysql = await stage.borrow('mysql');
    const proxy = await SwallowingProxy.start(stage, mysql.url);
    const group = await stage.group({ mysql: mysql.url });
    const gateway = await group.start({ DLMExpiration: 1, DB_HOST: '127.0.0.1', DB_PORT: proxy.port });
    const witness = Witness.of(stage, gateway);
    const mix = { delayed: 0.5, nacked: 0.2 };
    const traffic = await Traffic.start(stage, [gateway.rpcUrl], { mix });
    await traffic.flows(stage.pick(5_000, 500));
    for (let n = 1; n <= stage.pick(200, 15); n++) {
      await proxy.swallow();
      await delay(PAUSE_MS);
    }
    for (let n = 1; n <= stage.pick(3, 0); n++) await freeze(mysql, traffic);
    const recovered = await traffic.recovered();
    await traffic.flows(stage.pick(2_000, 200));
    const outcome = await traffic.finish(recovered);
    witness.check();
    const left = await rows<{ waiting: number }>(await session(stage, group), 'SELECT COUNT(*) waiting FROM schedule');
    if (left[0]?.waiting !== 0)
      throw new Error(`every message was acked, and ${left[0]?.waiting} wait in the schedule`);
    return outcome;
  },
};

async function freeze(mysql: Service, traffic: Traffic): Promise<void> {
  await mysql.pause();
  await delay(FROZEN_MS);
  await mysql.resume();
  await traffic.recovered();
}
