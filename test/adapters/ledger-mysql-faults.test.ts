import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { expect, onTestFinished, test } from 'vitest';
import { type Service, sharedServices, startMariadb } from '../support/services.js';
import { until } from '../support/until.js';
import { ACKED, claimOf, entryOf, LogLines, MysqlLab, range, retryOf, TOPIC, waitingOf } from './mysql-lab.js';

const shared = sharedServices().mysql;

test('gateways that start at once on an empty server make one schema', async () => {
  const lab = new MysqlLab(shared);
  const gateways = await Promise.all([1, 2, 3, 4].map(() => lab.gateway()));
  expect(gateways.map(({ connection }) => connection.health())).toEqual([undefined, undefined, undefined, undefined]);
  expect(await lab.rows('waybill_migrations')).toMatchObject([1, 2, 3, 4, 5, 6].map((version) => ({ version })));
  expect(await lab.rows('fences')).toEqual([{ name: 'due', fence: 0 }]);
});

test("a newer gateway's schema is refused in words that name both versions", async () => {
  const lab = new MysqlLab(shared);
  await lab.gateway();
  await lab.query(`INSERT INTO ${lab.database}.waybill_migrations (version) VALUES (9)`);
  const { ledger } = lab.gatewayNotStarted();
  await expect(ledger.start()).rejects.toThrow(/version 9, and this gateway knows up to 6/);
  expect(ledger.health()).toMatch(/newer gateway/);
});

test('a wrong password is told at start, without it, and the gateway goes on trying', async () => {
  const lab = new MysqlLab(shared);
  const logger = new LogLines();
  const { ledger, schedule } = await lab.gateway({ password: 'tr0ub4dor', logger });
  expect(ledger.health()).toMatch(/^MySQL at \S+:\d+ refuses the user "\w+": the user name or the password is wrong$/);
  await expect(ledger.channel(TOPIC, 'c')).rejects.toMatchObject({ reason: 'LEDGER_UNAVAILABLE' });
  await expect(schedule.add([waitingOf('a', 1)])).rejects.toMatchObject({ reason: 'LEDGER_UNAVAILABLE' });
  await until(async () => expect(logger.lines.join()).toContain('still away'), 5_000);
  expect(logger.lines.join()).not.toContain('tr0ub4dor');
  await expect(ledger.channel(TOPIC, 'c')).rejects.not.toThrow('tr0ub4dor');
});

test('a user that may not make the database is told so, and the gateway works once somebody made it', async () => {
  const lab = new MysqlLab(shared);
  const user = lab.database.replace('waybill_lab', 'user');
  await lab.query(`CREATE USER '${user}'@'%' IDENTIFIED BY 'secret'`);
  onTestFinished(async () => void (await lab.query(`DROP USER '${user}'@'%'`)));
  const { ledger } = await lab.gateway({ user, password: 'secret' });
  expect(ledger.health()).toContain(`does not let the user "${user}" work in the database "${lab.database}"`);
  await lab.query(`CREATE DATABASE ${lab.database}`);
  await lab.query(`GRANT ALL ON ${lab.database}.* TO '${user}'@'%'`);
  await until(async () => expect(ledger.health()).toBeUndefined(), 20_000);
});

test('a ledger that stops answers what is under way, and what waits for a server that is away with LEDGER_UNAVAILABLE', async () => {
  const lab = new MysqlLab(shared);
  const up = await lab.gateway();
  const { id: channel } = await up.ledger.channel(TOPIC, 'c');
  const last = up.ledger.write([entryOf(claimOf(channel, 'last'), ACKED)]);
  await Promise.all([up.ledger.stop(), up.ledger.stop()]);
  expect(await last).toEqual(['ok']);
  await expect(up.ledger.write([entryOf(claimOf(channel, 'late'), ACKED)])).rejects.toMatchObject({
    reason: 'LEDGER_UNAVAILABLE',
  });
  const away = await lab.gateway({ password: 'wrong' });
  const waiting = [
    away.ledger.write([entryOf(claimOf(channel, 'x'), ACKED)]),
    away.ledger.take([claimOf(channel, 'y')]),
  ];
  const answers = Promise.allSettled(waiting);
  await away.ledger.stop();
  for (const answer of await answers) expect(answer).toMatchObject({ reason: { reason: 'LEDGER_UNAVAILABLE' } });
  await lab.gatewayNotStarted().ledger.stop();
});

test('a server that becomes read-only says so, and is used again when it can be written', async () => {
  const lab = await ownLab();
  // Who may do everything may also write to a read-only server.
  await lab.query(`CREATE USER 'gateway'@'%' IDENTIFIED BY 'secret'`);
  await lab.query(`GRANT ALL ON ${lab.database}.* TO 'gateway'@'%'`);
  const { ledger, connection } = await lab.gateway({ user: 'gateway', password: 'secret' });
  const { id: channel } = await ledger.channel(TOPIC, 'c');
  await lab.query('SET GLOBAL read_only = ON');
  const write = ledger.write([entryOf(claimOf(channel, 'a'), ACKED)]);
  await until(async () => expect(connection.health()).toContain('is read-only'), 10_000);
  await lab.query('SET GLOBAL read_only = OFF');
  expect(await write).toEqual(['ok']);
});

test('every write that was answered is there after the server was killed, and those under way are answered when it is back', async () => {
  const lab = await ownLab();
  const { ledger, schedule } = await lab.gateway();
  const { id: channel } = await ledger.channel(TOPIC, 'c');
  const answered = new Set<string>();
  let killed = false;
  const ids = range(9_000, 'w');
  let next = 0;
  const writer = async () => {
    while (next < ids.length) {
      const piece = ids.slice(next, next + 30);
      next += 30;
      const entries = piece.map((id, n) => entryOf(claimOf(channel, id), n % 10 === 0 ? retryOf(id, 900) : ACKED));
      for (const outcome of await ledger.write(entries)) expect(outcome).toBe('ok');
      for (const id of piece) answered.add(id);
      if (!killed && answered.size > 1_500) {
        killed = true;
        await lab.service.kill();
        await expect(schedule.add([waitingOf('x', 1)])).rejects.toMatchObject({ reason: 'LEDGER_UNAVAILABLE' });
        expect(ledger.health()).toMatch(/^MySQL at /);
        await lab.service.start();
        const records = await lab.rows<{ message_id: string }>('deliveries');
        const there = new Set(records.map((row) => row.message_id));
        expect([...answered].filter((id) => !there.has(id))).toEqual([]);
      }
    }
  };
  await Promise.all([1, 2, 3, 4, 5, 6].map(writer));
  expect(answered.size).toBe(ids.length);
  expect(await lab.rows('deliveries')).toHaveLength(ids.length);
  expect(await lab.rows('schedule')).toHaveLength(ids.length / 10);
  expect(await lab.rows('attempts')).toHaveLength(ids.length / 10);
  expect(ledger.health()).toBeUndefined();
});

test('a server that is frozen for some seconds loses nothing and needs no help', async () => {
  const lab = await ownLab();
  const { ledger } = await lab.gateway();
  const { id: channel } = await ledger.channel(TOPIC, 'c');
  await lab.service.pause();
  const writes = range(50, 'w').map((id) => ledger.write([entryOf(claimOf(channel, id), ACKED)]));
  setTimeout(() => void lab.service.resume(), 3_000);
  expect((await Promise.all(writes)).flat()).toEqual(range(50, 'w').map(() => 'ok'));
  expect(await lab.rows('deliveries')).toHaveLength(50);
});

test('a ledger whose server is frozen stops all the same, and answers what waited', async () => {
  const lab = await ownLab();
  const { ledger } = await lab.gateway();
  const { id: channel } = await ledger.channel(TOPIC, 'c');
  await lab.service.pause();
  const write = ledger.write([entryOf(claimOf(channel, 'a'), ACKED)]);
  const answer = expect(write).rejects.toMatchObject({ reason: 'LEDGER_UNAVAILABLE' });
  await ledger.stop();
  await answer;
}, 12_000);

test('connections that the server ends, idle or at work, are replaced', async () => {
  const lab = await ownLab();
  const { ledger } = await lab.gateway();
  const { id: channel } = await ledger.channel(TOPIC, 'c');
  for (let round = 0; round < 5; round++) {
    const writes = range(40, `round-${round}`).map((id) =>
      ledger.write([entryOf(claimOf(channel, id), retryOf(id, 900))]),
    );
    await lab.killAll();
    expect((await Promise.all(writes)).flat()).toEqual(writes.map(() => 'ok'));
  }
  expect(await lab.rows('schedule')).toHaveLength(200);
});

test('connections that the server ended for their silence are replaced, and nobody notices', async () => {
  const lab = await ownLab();
  const logger = new LogLines();
  const { ledger } = await lab.gateway({ logger });
  const { id: channel } = await ledger.channel(TOPIC, 'c');
  const write = (round: string) =>
    Promise.all(range(20, round).map((id) => ledger.write([entryOf(claimOf(channel, id), retryOf(id, 900))])));
  await write('before');
  const open = () =>
    lab.query<{ id: number }>(`SELECT id FROM information_schema.processlist WHERE db = '${lab.database}'`);
  expect((await open()).length).toBeGreaterThan(0);
  // Config has no key for it: the session asks for 30 seconds.
  await until(async () => expect(await open()).toEqual([]), 50_000);
  expect((await write('after')).flat()).toEqual(range(20, '').map(() => 'ok'));
  expect(ledger.health()).toBeUndefined();
  expect(logger.lines.filter((line) => line.includes('is away'))).toEqual([]);
}, 90_000);

test('a server that has fewer places than the pool may open is not away: those that there are do the work', async () => {
  const lab = await ownLab();
  const logger = new LogLines();
  const { ledger, schedule } = await lab.gateway({ logger });
  const { id: channel } = await ledger.channel(TOPIC, 'c');
  await lab.query('SET GLOBAL max_connections = 10');
  const hogs = await lab.takeAll();
  // The administrator's place is taken too, so two are left.
  for (const hog of hogs.splice(0, 3)) await hog.end();
  const work = range(300, 'w').map((id, n) => {
    if (n % 3 === 0) return schedule.add([waitingOf(id, 900)]);
    if (n % 3 === 1) return ledger.take([claimOf(channel, id)]);
    return ledger.write([entryOf(claimOf(channel, id), n % 2 === 0 ? ACKED : retryOf(id, 900))]);
  });
  const asked = range(50, 'q').map((id) => schedule.cancel(TOPIC, id, 1));
  await Promise.all(work);
  expect(await Promise.all(asked)).toEqual(asked.map(() => 'absent'));
  expect(logger.lines.filter((line) => line.includes('is away'))).toEqual([]);
  for (const hog of hogs) hog.destroy();
});

/** On a server that the test may break. */
class OwnLab extends MysqlLab {
  constructor(readonly service: Service) {
    super(service.url, false);
  }

  /** Every connection that there is. */
  async takeAll(): Promise<Connection[]> {
    const taken: Connection[] = [];
    for (;;) {
      try {
        taken.push(await createConnection(this.url));
      } catch (error) {
        expect(error).toMatchObject({ errno: 1040 });
        return taken;
      }
    }
  }

  /** Ends every connection but the one that asks. */
  async killAll(): Promise<void> {
    const connection = await createConnection(this.url);
    const [rows] = await connection.query<({ id: number } & RowDataPacket)[]>(
      'SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID()',
    );
    for (const { id } of rows) await connection.query(`KILL ${id}`).catch(() => undefined);
    await connection.end();
  }
}

async function ownLab(): Promise<OwnLab> {
  return new OwnLab(await startMariadb());
}
