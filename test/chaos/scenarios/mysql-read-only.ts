import { setTimeout as delay } from 'node:timers/promises';
import { plainClient, refused } from '../refusals.js';
import type { Scenario } from '../scenario.js';
import { connectionsOf, plainUser, session } from '../sql.js';
import { Traffic } from '../traffic.js';
import { Witness } from '../witness.js';

/** As in a failover: the server that the gateway is connected to turns into a replica. */
export const mysqlReadOnly: Scenario = {
  name: 'mysql-read-only',
  title: 'MySQL turns read-only under load, as in a failover, and back',
  engines: ['cluster'],
  async play(stage) {
    const mysql = await stage.borrow('mysql');
    const group = await stage.group({ mysql: mysql.url });
    const admin = await session(stage, group);
    const user = await plainUser(admin, group);
    const gateway = await group.start({ DLMExpiration: 1, ...user });
    const witness = Witness.of(stage, gateway);
    const mix = { delayed: 0.1, nacked: 0.1 };
    const traffic = await Traffic.start(stage, [gateway.rpcUrl], { mix });
    await traffic.flows(stage.pick(5_000, 500));
    const before = new Set(await connectionsOf(admin, 'gateway'));

    await admin.query('SET GLOBAL read_only = 1');
    await Promise.all([
      delay(stage.pick(60_000, 4_000)),
      witness.says(['mysql']),
      traffic.flows(500, 20_000),
      refused(plainClient(stage, gateway), { topic: 'aside', delayMs: 1_000 }, 2_000),
    ]);
    if (!gateway.log().includes('is read-only')) throw new Error('the log does not say what is wrong');
    await admin.query('SET GLOBAL read_only = 0');

    const recovered = await traffic.recovered();
    await witness.says([]);
    await traffic.flows(stage.pick(2_000, 200));
    // After a failover the name leads to another server, and a connection that stayed would lead to the old one for ever.
    const kept = (await connectionsOf(admin, 'gateway')).filter((id) => before.has(id));
    if (kept.length > 0) throw new Error(`${kept.length} connections were not renewed`);
    const outcome = await traffic.finish(recovered);
    witness.check();
    return outcome;
  },
};
