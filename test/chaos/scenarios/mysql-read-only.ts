import { livesWithoutMysql, plainGateway } from '../plain-gateway.js';
import type { Scenario } from '../scenario.js';
import { connectionsOf } from '../sql.js';

/** As in a failover: the server that the gateway is connected to turns into a replica. */
export const mysqlReadOnly: Scenario = {
  name: 'mysql-read-only',
  title: 'MySQL turns read-only under load, as in a failover, and back',
  engines: ['cluster'],
  async play(stage) {
    const plain = await plainGateway(stage);
    const { admin, witness, traffic } = plain;
    const before = new Set(await connectionsOf(admin, 'gateway'));

    await admin.query('SET GLOBAL read_only = 1');
    await livesWithoutMysql(stage, plain, 'is read-only');
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
