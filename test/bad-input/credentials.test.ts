import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { atTestEnd } from '../support/cleanup.js';
import { BusClient } from '../support/client.js';
import { Gateway, gatewayGroup, type Settings } from '../support/gateway.js';
import { type ServiceUrls, startMariadb, startRabbit, startRedis } from '../support/services.js';
import { until } from '../support/until.js';

const USER = 'clerk';
/** Of characters that are written otherwise in a URL, in JSON and in SQL. */
const SECRET = `pa$s-w0rd@#"'&?`;

/** A service on which the user has another password than the gateway is told, and how that is put right. */
interface Locked {
  readonly services: Partial<ServiceUrls>;
  readonly settings: Settings;
  unlock(): Promise<unknown>;
}

const locked: Readonly<Record<keyof ServiceUrls, () => Promise<Locked>>> = {
  async rabbitmq() {
    const rabbit = await startRabbit();
    await rabbit.ctl('add_user', USER, 'another');
    await rabbit.ctl('set_permissions', USER, '.*', '.*', '.*');
    const url = new URL(rabbit.url);
    url.username = USER;
    url.password = encodeURIComponent(SECRET);
    return {
      services: { rabbitmq: rabbit.url },
      settings: { AmqpUrl: url.href },
      unlock: () => rabbit.ctl('change_password', USER, SECRET),
    };
  },

  async mysql() {
    const { url } = await startMariadb();
    const query = async (sql: string) => {
      const connection = await createConnection(url);
      await connection.query(sql, [USER, SECRET]).finally(() => connection.end());
    };
    await query(`CREATE USER ?@'%' IDENTIFIED BY 'another'`);
    await query(`GRANT ALL PRIVILEGES ON *.* TO ?@'%'`);
    return {
      services: { mysql: url },
      settings: { DB_USERNAME: USER, DB_PASSWORD: SECRET },
      unlock: () => query(`ALTER USER ?@'%' IDENTIFIED BY ?`),
    };
  },

  async redis() {
    const { url } = await startRedis();
    const redis = new Redis(url);
    atTestEnd(async () => redis.disconnect());
    await redis.call('ACL', 'SETUSER', USER, 'on', '>another', '~*', '&*', '+@all');
    return {
      services: { redis: url },
      settings: { RedisUsername: USER, RedisPassword: SECRET },
      unlock: () => redis.call('ACL', 'SETUSER', USER, `>${SECRET}`),
    };
  },
};

test.each(['rabbitmq', 'mysql', 'redis'] as const)(
  'with a wrong password for %s the gateway lives, says so without the password, and works once it is right',
  async (name) => {
    const { services, settings, unlock } = await locked[name]();
    const group = await gatewayGroup('cluster', services);
    const gateway = await Gateway.create({ ...group.space?.settings, ...settings, PrintConfig: true, Debug: true });
    atTestEnd(async (failed) => {
      if (failed) console.error(gateway.log().slice(-8_000));
      await gateway.remove();
    });
    const ready = gateway.start();
    const told = await until(async () => {
      const answer = await readiness(gateway);
      // Each of them has had its first answer.
      expect(answer.text).not.toContain('not connected yet');
      return answer;
    }, 20_000);
    expect(told.status).toBe(503);
    const { [name]: problem, ...others } = told.dependencies;
    expect(problem).toMatch(/password|Access denied/);
    expect(problem).toContain(name === 'redis' ? 'Redis' : USER);
    expect(Object.values(others)).toEqual(['ok', 'ok']);
    expect((await fetch(`${gateway.httpUrl}/healthz`)).status).toBe(200);
    const { pid } = gateway;

    await unlock();
    await ready;
    expect(gateway.pid).toBe(pid);
    await expectToWork(gateway);
    const said = `${told.text}\n${gateway.log()}`;
    for (const form of [SECRET, encodeURIComponent(SECRET), JSON.stringify(SECRET).slice(1, -1)]) {
      expect(said).not.toContain(form);
    }
  },
);

async function readiness(gateway: Gateway) {
  const response = await fetch(`${gateway.httpUrl}/readyz`, { signal: AbortSignal.timeout(2_000) });
  const text = await response.text();
  const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(text);
  return { status: response.status, text, dependencies };
}

async function expectToWork(gateway: Gateway): Promise<void> {
  const client = new BusClient(gateway.rpcUrl);
  try {
    const stream = await client.subscribe('orders', 'billing');
    const { id } = await client.publishOne({ topic: 'orders' });
    const received = await stream.next();
    expect(received.id).toBe(id);
    expect(await stream.ack([received.receipt])).toEqual(['ok']);
  } finally {
    client.close();
  }
}
