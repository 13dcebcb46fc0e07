import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import type { Gateway } from '../support/gateway.js';
import type { Service } from '../support/services/service.js';
import { until } from '../support/until.js';
import { plainClient, refused } from './refusals.js';
import { plainUser, session } from './sql.js';
import type { Stage } from './stage.js';
import { Traffic } from './traffic.js';
import { Witness } from './witness.js';

/** A gateway under load whose MySQL user has no rights but in its own database, as in production, and the administrator beside it. */
export interface PlainGateway {
  readonly mysql: Service;
  readonly admin: Connection;
  readonly gateway: Gateway;
  readonly witness: Witness;
  readonly traffic: Traffic;
}

export async function plainGateway(stage: Stage): Promise<PlainGateway> {
  const mysql = await stage.borrow('mysql');
  const group = await stage.group({ mysql: mysql.url });
  const admin = await session(stage, group);
  const user = await plainUser(admin, group);
  const gateway = await group.start({ DLMExpiration: 1, ...user });
  const witness = Witness.of(stage, gateway);
  const mix = { delayed: 0.1, nacked: 0.1 };
  const traffic = await Traffic.start(stage, [gateway.rpcUrl], { mix });
  await traffic.flows(stage.pick(5_000, 500));
  return { mysql, admin, gateway, witness, traffic };
}

/** Guarantee 8, for as long as MySQL is of no use: what is for now is accepted, what is for later is refused, and the log says why. */
export async function livesWithoutMysql(stage: Stage, plain: PlainGateway, why: string): Promise<void> {
  const { gateway, witness, traffic } = plain;
  await Promise.all([
    delay(stage.pick(60_000, 4_000)),
    witness.says(['mysql']),
    traffic.flows(500, 20_000),
    refused(plainClient(stage, gateway), { topic: 'aside', delayMs: 1_000 }, 2_000),
  ]);
  // It is told by the next try to connect, which after some that failed may be seconds away.
  const told = async () => {
    if (!gateway.log().includes(why)) throw new Error('the log does not say what is wrong');
  };
  await until(told, 20_000);
}
