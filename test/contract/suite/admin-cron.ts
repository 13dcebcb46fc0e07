import { Admin, CronMissed } from '@waybill/proto/waybill/v1/admin';
import { describe, expect, test } from 'vitest';
import type { EngineUnderTest } from '../engines.js';
import { useAdmin } from '../use-admin.js';
import { useBus } from '../use-bus.js';

const { method } = Admin;
/** The first of January: no tick comes while a test runs. */
const RARELY = '0 0 1 1 *';
const EVERY_SECOND = '* * * * * *';

export function adminCron(engine: EngineUnderTest): void {
  const bus = useBus(engine, { nodes: 2 });
  const admin = useAdmin(bus);

  const create = async (name: string, wish: object) => {
    const entry = { name, topic: name, expression: RARELY, ...wish };
    return (await admin().call(method.createCronEntry, { entry })).entry;
  };
  const remove = (name: string) => admin().call(method.deleteCronEntry, { name });

  test('an entry publishes once a tick, never early, whatever the number of gateways', async () => {
    const name = bus.topic('every-second');
    const consumer = await bus.client().subscribe(name, 'c');
    await create(name, { expression: EVERY_SECOND, body: Buffer.of(0, 255), headers: { h: 'v' }, key: 'k' });
    const received = await consumer.take(4);
    await consumer.ack(received.map(({ receipt }) => receipt));
    await remove(name);
    const ticks = received.map(({ headers }) => Date.parse(headers['waybill-cron-time'] ?? ''));
    expect(new Set(ticks).size).toBe(4);
    ticks.forEach((tick, i) => {
      const message = received[i];
      expect(tick % 1_000).toBe(0);
      expect(message?.at).toBeGreaterThanOrEqual(tick);
      expect(message?.id).toMatch(new RegExp(`^cron-${name}-\\d+-${tick}$`));
      expect(message).toMatchObject({ key: 'k', headers: { h: 'v', 'waybill-cron': name } });
      expect(message?.body.equals(Buffer.of(0, 255))).toBe(true);
    });
    const sorted = ticks.toSorted((a, b) => a - b);
    expect(sorted.map((tick) => tick - (sorted[0] ?? 0))).toEqual([0, 1_000, 2_000, 3_000]);
    await consumer.close();
  });

  test('an entry goes on after a crash of the gateway, without a tick twice', async () => {
    const name = bus.topic('crashing');
    await create(name, { expression: EVERY_SECOND });
    const seen = new Map<number, number>();
    const first = () => Math.min(...seen.keys());
    /** Until so many ticks in a row have come. What a gateway had claimed when it was killed comes when the claim has run out. */
    const take = async (inARow: number) => {
      const all = await bus.client().pull(name, 'c', { max: 100, waitMs: 15_000 });
      for (const { id } of all) {
        const tick = Number(id.split('-').at(-1));
        seen.set(tick, (seen.get(tick) ?? 0) + 1);
      }
      await bus.client().ack(all.map(({ receipt }) => receipt));
      const wanted = Array.from({ length: inARow }, (_, i) => first() + i * 1_000);
      if (!wanted.every((tick) => seen.has(tick))) await take(inARow);
    };
    await admin().call(method.createChannel, { topic: name, channel: 'c' });
    await take(2);
    for (let node = 0; node < bus.nodes; node++) await bus.crash(node);
    const crashed = Date.now();
    await take(Math.ceil((crashed - first()) / 1_000) + 2);
    await remove(name);
    expect([...seen.values()].every((count) => count === 1)).toBe(true);
  });

  test('a paused entry publishes nothing, and a resumed one goes on from then', async () => {
    const name = bus.topic('paused');
    const consumer = await bus.client().subscribe(name, 'c');
    const made = await create(name, { expression: EVERY_SECOND, paused: true });
    expect(made).toMatchObject({ paused: true, nextTimeMs: 0n });
    const since = Date.now();
    const { entry } = await admin(1).call(method.resumeCronEntry, { name });
    expect(entry?.paused).toBe(false);
    expect(Number(entry?.nextTimeMs)).toBeGreaterThan(since - 1_000);
    const { headers } = await consumer.next();
    expect(Date.parse(headers['waybill-cron-time'] ?? '')).toBeGreaterThan(since - 1_000);
    const paused = await admin().call(method.pauseCronEntry, { name });
    expect(paused.entry).toMatchObject({ paused: true, nextTimeMs: 0n });
    expect(Number(paused.entry?.lastTimeMs)).toBeGreaterThan(0);
    expect(paused.entry?.lastMessageId).toMatch(`cron-${name}`);
    // Its update leaves it paused.
    const wish = { name, topic: name, expression: EVERY_SECOND };
    expect((await admin().call(method.updateCronEntry, { entry: wish })).entry).toMatchObject({ paused: true });
    await remove(name);
    await consumer.close();
  });

  test('an entry is published at once when it is told to, paused or not, and its ticks stay', async () => {
    const name = bus.topic('now');
    const consumer = await bus.client().subscribe(name, 'c');
    const made = await create(name, { paused: true, body: Buffer.from('hello') });
    const { id } = await admin().call(method.runCronEntry, { name });
    const received = await consumer.next();
    expect(received).toMatchObject({ id, headers: { 'waybill-cron': name } });
    expect(received.body.toString()).toBe('hello');
    await consumer.ack([received.receipt]);
    const { entry } = await admin().call(method.getCronEntry, { name });
    expect(entry).toMatchObject({ lastTimeMs: 0n, nextTimeMs: made?.nextTimeMs });
    await remove(name);
    await consumer.close();
  });

  test('entries are listed by name, of a topic or with a prefix, page by page', async () => {
    const prefix = bus.topic('listed');
    const topic = `${prefix}.t`;
    for (const name of ['c', 'a', 'b', 'd'])
      await create(`${prefix}.${name}`, { topic: name === 'd' ? prefix : topic });
    const names = async (query: object, pageSize = 2) => {
      const found: string[] = [];
      let pageToken = '';
      do {
        const page = await admin(1).call(method.listCronEntries, { ...query, pageSize, pageToken });
        found.push(...page.entries.map(({ name }) => name.slice(prefix.length + 1)));
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      return found;
    };
    expect(await names({ prefix })).toEqual(['a', 'b', 'c', 'd']);
    expect(await names({ topic }, 1)).toEqual(['a', 'b', 'c']);
    expect(await names({ topic, prefix: `${prefix}.b` })).toEqual(['b']);
    for (const name of ['a', 'b', 'c', 'd']) await remove(`${prefix}.${name}`);
    expect(await names({ prefix })).toEqual([]);
  });

  test('an entry is replaced but for its name, and told of whole', async () => {
    const name = bus.topic('replaced');
    const first = await create(name, { body: Buffer.alloc(10_000, 1), ttlMs: 60_000n });
    expect(first).toMatchObject({ timeZone: 'UTC', missed: CronMissed.RUN_ONCE, ttlMs: 60_000n });
    const january = `${new Date().getUTCFullYear() + 1}-01-01T00:00:00.000Z`;
    expect(new Date(Number(first?.nextTimeMs)).toISOString()).toBe(january);
    const { entries } = await admin().call(method.listCronEntries, { prefix: name });
    expect(entries[0]?.body).toHaveLength(4_096);
    expect((await admin().call(method.getCronEntry, { name })).entry?.body).toHaveLength(10_000);
    const wish = {
      name,
      topic: `${name}.b`,
      expression: '30 9 1 1 *',
      timeZone: 'Asia/Tokyo',
      missed: CronMissed.SKIP,
      key: 'k',
    };
    const { entry } = await admin().call(method.updateCronEntry, { entry: wish });
    expect(entry).toMatchObject({ ...wish, ttlMs: 0n, createTimeMs: first?.createTimeMs });
    expect(new Date(Number(entry?.nextTimeMs)).toISOString()).toBe(january.replace('00:00:00', '00:30:00'));
    await remove(name);
  });

  test('a topic with entries is deleted only with them', async () => {
    const name = bus.topic('deleted');
    await create(name, {});
    expect(await admin().refusal(method.deleteTopic, { topic: name })).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'TOPIC_HAS_CRON',
    });
    const request = { topic: name, purge: true };
    expect(await admin().call(method.deleteTopic, { ...request, dryRun: true })).toMatchObject({ cronEntries: 1 });
    expect(await admin().call(method.getCronEntry, { name })).toMatchObject({ entry: { name } });
    expect(await admin().call(method.deleteTopic, request)).toMatchObject({ cronEntries: 1 });
    expect(await admin().refusal(method.getCronEntry, { name })).toMatchObject({ reason: 'CRON_NOT_FOUND' });
  });

  test('the times of an expression can be looked at first', async () => {
    const request = {
      expression: '30 2 * * *',
      timeZone: 'Europe/Berlin',
      afterTimeMs: BigInt(Date.parse('2026-03-28T00:00:00Z')),
      count: 3,
    };
    const { timesMs } = await admin().call(method.previewCron, request);
    expect(timesMs.map((time) => new Date(Number(time)).toISOString())).toEqual([
      '2026-03-28T01:30:00.000Z',
      // 2:30 is not there on this day: at 3:00, when the gap ends.
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
  });

  test('whatever is done to entries is on record', async () => {
    const name = bus.topic('audited');
    await create(name, {});
    await admin().call(method.pauseCronEntry, { name });
    await admin().call(method.resumeCronEntry, { name });
    await admin().call(method.runCronEntry, { name });
    await remove(name);
    const { entries } = await admin().call(method.listAudit, { pageSize: 1_000 });
    const own = entries.filter(({ target }) => target.startsWith(name)).map(({ action }) => action);
    expect(own).toEqual(['DeleteCronEntry', 'RunCronEntry', 'ResumeCronEntry', 'PauseCronEntry', 'CreateCronEntry']);
  });

  describe('refuses', () => {
    test.each([
      ['no entry', undefined, 'QUERY_INVALID', 'entry'],
      ['a name with a space', { name: 'a b' }, 'CRON_INVALID', 'entry.name'],
      ['a pattern', { topic: 'a.*' }, 'TOPIC_INVALID', 'entry.topic'],
      ['no expression', { expression: '' }, 'CRON_INVALID', 'entry.expression'],
      ['an expression of seven fields', { expression: '* * * * * * *' }, 'CRON_INVALID', 'entry.expression'],
      ['a minute that is none', { expression: '60 * * * *' }, 'CRON_INVALID', 'entry.expression'],
      ['a day that never comes', { expression: '0 0 31 2 *' }, 'CRON_INVALID', 'entry.expression'],
      ['an expression without end', { expression: '*,'.repeat(100) }, 'CRON_INVALID', 'entry.expression'],
      ['a zone that is none', { timeZone: 'Europe/Nowhere' }, 'CRON_INVALID', 'entry.time_zone'],
      ['an offset for a zone', { timeZone: '+02:00' }, 'CRON_INVALID', 'entry.time_zone'],
      ['a header of its own', { headers: { 'waybill-cron': 'x' } }, 'HEADER_INVALID', 'entry.headers'],
      ['too many headers', { headers: headers(63) }, 'HEADER_INVALID', 'entry.headers'],
      ['a body that is too large', { body: Buffer.alloc(65_537) }, 'BODY_TOO_LARGE', 'entry.body'],
      ['a key that is too long', { key: 'k'.repeat(129) }, 'KEY_INVALID', 'entry.key'],
      ['a life of less than nothing', { ttlMs: -1n }, 'TTL_INVALID', 'entry.ttl_ms'],
      ['a policy that is none', { missed: 9 }, 'QUERY_INVALID', 'entry.missed'],
    ])('%s', async (_, wish, reason, field) => {
      const entry = wish && { name: 'refused', topic: 'refused', expression: RARELY, ...wish };
      const refusal = await admin().refusal(method.createCronEntry, entry === undefined ? {} : { entry });
      expect(refusal).toMatchObject({ reason, metadata: { field } });
      expect((await admin().call(method.listCronEntries, { prefix: 'refused' })).entries).toEqual([]);
    });

    test('a second entry of a name, and what names none', async () => {
      const name = bus.topic('twice');
      await create(name, {});
      const entry = { name, topic: name, expression: RARELY };
      expect(await admin(1).refusal(method.createCronEntry, { entry })).toMatchObject({
        code: 'ALREADY_EXISTS',
        reason: 'CRON_EXISTS',
      });
      await remove(name);
      const missing = { code: 'NOT_FOUND', reason: 'CRON_NOT_FOUND' };
      expect(await admin().refusal(method.getCronEntry, { name })).toMatchObject(missing);
      expect(await admin().refusal(method.deleteCronEntry, { name })).toMatchObject(missing);
      expect(await admin().refusal(method.pauseCronEntry, { name })).toMatchObject(missing);
      expect(await admin().refusal(method.runCronEntry, { name })).toMatchObject(missing);
      expect(await admin().refusal(method.updateCronEntry, { entry })).toMatchObject(missing);
    });
  });
}

function headers(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`h${i}`, 'x']));
}
