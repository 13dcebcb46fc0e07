import { randomBytes, randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { RedisConnection } from '../../server/src/adapters/locks-redis/connection.js';
import { RedisDedupe } from '../../server/src/adapters/locks-redis/dedupe.js';
import { RedisLocks } from '../../server/src/adapters/locks-redis/locks.js';
import { sharedServices, startRedis } from '../support/services.js';
import { until } from '../support/until.js';

const shared = sharedServices().redis;

async function connected(url = shared, prefix = `test-${randomBytes(5).toString('hex')}`, password = '') {
  const { hostname, port } = new URL(url);
  const connection = new RedisConnection({ host: hostname, port: Number(port || 6379), password, prefix });
  onTestFinished(() => connection.stop());
  await connection.start();
  // As on a bus that is in use.
  await connection.client?.set(`${prefix}:remembers-since`, 0);
  return connection;
}

function otherProgram(url = shared): Redis {
  const redis = new Redis(url);
  redis.on('error', () => {});
  onTestFinished(() => redis.disconnect());
  return redis;
}

const UUID = '01890a5d-ac96-774b-bcce-b302099a';
const id = (number: number) => `${UUID}${number.toString(16).padStart(4, '0')}`;

test('one holder a name, until it releases', async () => {
  const locks = new RedisLocks(await connected());
  const held = await locks.acquire('a', 60_000);
  expect(held).toBeDefined();
  expect(await locks.acquire('a', 60_000)).toBeUndefined();
  expect(await locks.acquire('b', 60_000)).toBeDefined();
  await held?.release();
  expect(await locks.acquire('a', 60_000)).toBeDefined();
});

test('a lock that runs out is lost to its holder, who then harms the next one neither by renew nor by release', async () => {
  const connection = await connected();
  const locks = new RedisLocks(connection);
  const first = await locks.acquire('a', 100);
  const second = await until(async () => {
    const lock = await new RedisLocks(connection).acquire('a', 60_000);
    if (lock === undefined) throw new Error('still held');
    return lock;
  }, 5_000);
  expect(await first?.renew()).toBe(false);
  await first?.release();
  expect(await second.renew()).toBe(true);
  expect(await locks.acquire('a', 60_000)).toBeUndefined();
  expect(second.fence).toBeGreaterThan(first?.fence ?? 0);
});

test('a renewed lock lives on past its first time', async () => {
  const connection = await connected();
  const locks = new RedisLocks(connection);
  const lock = await locks.acquire('a', 300);
  const began = performance.now();
  while (performance.now() - began < 900) expect(await lock?.renew()).toBe(true);
  expect(await locks.acquire('a', 300)).toBeUndefined();
});

test('fencing tokens grow, faster than the clock, and after Redis lost everything', async () => {
  const redis = await startRedis();
  const connection = await connected(redis.url);
  const locks = new RedisLocks(connection);
  const fences: number[] = [];
  for (let n = 0; n < 50; n++) {
    const lock = await locks.acquire('a', 60_000);
    fences.push(lock?.fence ?? 0);
    await lock?.release();
  }
  await otherProgram(redis.url).flushall();
  const next = await new RedisLocks(connection).acquire('a', 60_000);
  fences.push(next?.fence ?? 0);
  expect([...new Set(fences)].sort((a, b) => a - b)).toEqual(fences);
  expect(Number.isSafeInteger(fences.at(-1))).toBe(true);
  // Flushed while it was held: the holder finds out, and the next one has a higher token.
  await otherProgram(redis.url).flushall();
  expect(await next?.renew()).toBe(false);
});

test('while Redis is away nobody gets a lock, a holder keeps its own until it may have run out, and then all goes on', async () => {
  const redis = await startRedis();
  const connection = await connected(redis.url);
  const locks = new RedisLocks(connection);
  const short = await locks.acquire('short', 300);
  const long = await locks.acquire('long', 60_000);
  await redis.stop();
  await until(async () => expect(connection.health()).toMatch(/^Redis at 127\.0\.0\.1:\d+ /), 5_000);
  expect(await locks.acquire('other', 1_000)).toBeUndefined();
  expect(await long?.renew()).toBe(true);
  await until(async () => expect(await short?.renew()).toBe(false), 5_000);
  await redis.start();
  await until(async () => expect(await locks.acquire('other', 1_000)).toBeDefined(), 15_000);
  expect(connection.health()).toBeUndefined();
});

test('a Redis that lost its memory is not believed for a window, but for ids that were made later', async () => {
  const connection = await connected();
  const other = otherProgram();
  let now = Date.now();
  const clock = { now: () => now, steady: () => performance.now() };
  await other.del(`${connection.prefix}:remembers-since`);
  const isFresh = async () => (await other.exists(`${connection.prefix}:used`)) === 0;
  const dedupe = new RedisDedupe(connection, { windowSeconds: 60, isFresh, clock });
  const key = `${connection.prefix}:remembers-since`;
  await until(async () => expect(await other.get(key)).toBe('0'), 5_000);
  await until(async () => expect(await dedupe.begin('orders', [randomUUID()])).toEqual(['new']), 5_000);
  await dedupe.begin('orders', ['order-1']);

  await other.set(`${connection.prefix}:used`, 1);
  await other.del(key, `${connection.prefix}:d:orders=order-1`);
  const made = (ms: number) => {
    const hex = ms.toString(16).padStart(12, '0');
    return `${hex.slice(0, 8)}-${hex.slice(8)}-7${UUID.slice(15)}${(ms % 0xffff).toString(16).padStart(4, '0')}`;
  };
  expect(await dedupe.begin('orders', ['order-1', made(now)])).toEqual(['unsure', 'unsure']);
  await until(async () => expect(await other.get(key)).toBe(String(now)), 5_000);
  expect(await dedupe.begin('orders', ['order-1', 'order-2'])).toEqual(['begun', 'unsure']);
  // A client's clock may be ahead of this one's.
  expect(await dedupe.begin('orders', [made(now + 59_000), made(now + 61_000)])).toEqual(['unsure', 'new']);
  now += 59_999;
  expect(await dedupe.begin('orders', ['order-3'])).toEqual(['unsure']);
  now += 1;
  expect(await dedupe.begin('orders', ['order-4', made(0)])).toEqual(['new', 'new']);
});

test('an id is new once, unsure until it is accepted, and accepted from then on, for its topic alone', async () => {
  const dedupe = new RedisDedupe(await connected(), { windowSeconds: 60 });
  const ids = [id(3), 'order-1', id(4), 'UPPER-1A2B', id(0xffff)];
  expect(await dedupe.begin('orders', ids)).toEqual(['new', 'new', 'new', 'new', 'new']);
  expect(await dedupe.begin('orders', [...ids, id(5), 'order-2'])).toEqual([...ids.map(() => 'begun'), 'new', 'new']);
  dedupe.accepted('orders', [id(3), 'order-1']);
  expect(await dedupe.begin('orders', ids)).toEqual(['accepted', 'accepted', 'begun', 'begun', 'begun']);
  expect(await dedupe.begin('letters', ids)).toEqual(['new', 'new', 'new', 'new', 'new']);
  expect(await dedupe.begin('orders', [])).toEqual([]);
});

test('names that look alike are never taken for one another', async () => {
  const dedupe = new RedisDedupe(await connected(), { windowSeconds: 60 });
  const names: [string, string][] = [
    ['a:b', 'c'],
    ['a', 'b:c'],
    ['a', UUID],
    ['a', `/${UUID}`],
    ['a', id(0)],
    ['a', id(0).toUpperCase()],
    ['a', `=${id(0)}`],
  ];
  for (const [topic, one] of names) {
    expect(await dedupe.begin(topic, [one])).toEqual(['new']);
    dedupe.accepted(topic, [one]);
  }
});

test('a batch costs one key, which ends with the window after its last use', async () => {
  const connection = await connected();
  const dedupe = new RedisDedupe(connection, { windowSeconds: 60 });
  const ids = Array.from({ length: 1_000 }, (_, n) => id(n));
  await dedupe.begin('orders', ids);
  dedupe.accepted('orders', ids);
  expect(new Set(await dedupe.begin('orders', ids))).toEqual(new Set(['accepted']));
  const redis = otherProgram();
  const keys = await redis.keys(`${connection.prefix}:d:*`);
  expect(keys).toEqual([`${connection.prefix}:d:orders/${UUID}`]);
  expect(await redis.get(keys[0] ?? '')).toBe('b0-999;a0-999;');
  const left = await redis.pttl(keys[0] ?? '');
  expect(left).toBeGreaterThan(50_000);
  expect(left).toBeLessThanOrEqual(60_000);
  // Accepted after the key was lost: what comes back ends too.
  await redis.del(keys[0] ?? '');
  dedupe.accepted('orders', ids);
  await until(async () => expect(await redis.pttl(keys[0] ?? '')).toBeGreaterThan(0), 5_000);
});

test('ids of one block that come one by one, or without any order, keep the key small and nothing accepted is lost', async () => {
  const connection = await connected();
  const dedupe = new RedisDedupe(connection, { windowSeconds: 60 });
  const redis = otherProgram();
  for (let n = 0; n < 2_000; n++) {
    expect(await dedupe.begin('orders', [id(n)])).toEqual(['new']);
    dedupe.accepted('orders', [id(n)]);
  }
  expect(await dedupe.begin('orders', [id(0), id(999), id(1_999)])).toEqual(['accepted', 'accepted', 'accepted']);
  const key = `${connection.prefix}:d:orders/${UUID}`;
  expect(await redis.strlen(key)).toBeLessThan(5_000);
  // Every third: nothing joins, so in the end the whole block is unsure, which is safe.
  for (let n = 3_000; n < 6_000; n += 3) await dedupe.begin('orders', [id(n)]);
  expect(await redis.strlen(key)).toBeLessThan(5_000);
  expect(await dedupe.begin('orders', [id(3_000), id(5_997)])).toEqual(['begun', 'begun']);
});

test('concurrent calls of one tick travel together and each gets its own answer', async () => {
  const dedupe = new RedisDedupe(await connected(), { windowSeconds: 60 });
  const calls = Array.from({ length: 500 }, (_, n) => dedupe.begin('orders', [`id-${n % 250}`, id(n)]));
  const answers = await Promise.all(calls);
  expect(answers.map(([first]) => first)).toEqual(Array.from({ length: 500 }, (_, n) => (n < 250 ? 'new' : 'begun')));
  expect(new Set(answers.map(([, second]) => second))).toEqual(new Set(['new']));
});

test('ids that share nothing go a hundred to a command, and each gets its own answer', async () => {
  const redis = await startRedis();
  const dedupe = new RedisDedupe(await connected(redis.url), { windowSeconds: 60 });
  const other = otherProgram(redis.url);
  const ids = Array.from({ length: 250 }, (_, n) => `order-${n}`);
  const commands = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await other.info('commandstats'))?.[1] ?? 0);
  expect(new Set(await dedupe.begin('orders', ids))).toEqual(new Set(['new']));
  expect(await commands()).toBe(3);
  const thirds = ids.filter((_, n) => n % 3 === 0);
  dedupe.accepted('orders', thirds);
  expect(await dedupe.begin('orders', ids)).toEqual(ids.map((_, n) => (n % 3 === 0 ? 'accepted' : 'begun')));
  expect(await commands()).toBe(3 + 1 + 3);
});

test('scripts that Redis has lost are loaded again', async () => {
  const redis = await startRedis();
  const connection = await connected(redis.url);
  const dedupe = new RedisDedupe(connection, { windowSeconds: 60 });
  const locks = new RedisLocks(connection);
  await otherProgram(redis.url).script('FLUSH');
  expect(await dedupe.begin('orders', ['a'])).toEqual(['unsure']);
  await until(
    async () => expect(await dedupe.begin('orders', [randomBytes(8).toString('hex')])).toEqual(['new']),
    5_000,
  );
  expect(await locks.acquire('a', 1_000)).toBeDefined();
});

test('a Redis that is away or frozen makes ids unsure: frozen costs a quarter of a second once, then nothing', async () => {
  const redis = await startRedis();
  const connection = await connected(redis.url);
  const dedupe = new RedisDedupe(connection, { windowSeconds: 60 });
  expect(await dedupe.begin('orders', ['a'])).toEqual(['new']);
  dedupe.accepted('orders', ['a']);
  await redis.pause();
  try {
    expect(await Promise.all([dedupe.begin('orders', ['a']), dedupe.begin('orders', ['b', 'c'])])).toEqual([
      ['unsure'],
      ['unsure', 'unsure'],
    ]);
    expect(connection.health()).toContain('does not answer');
    // No time to wait: the answer is there before the next turn of the event loop.
    const turn = new Promise((resolve) => setImmediate(() => resolve('later')));
    expect(await Promise.race([turn, dedupe.begin('orders', ['a'])])).toEqual(['unsure']);
    dedupe.accepted('orders', ['b']);
  } finally {
    await redis.resume();
  }
  await until(async () => expect(await dedupe.begin('orders', ['a'])).toEqual(['accepted']), 15_000);
  await redis.stop();
  await until(async () => expect(connection.health()).toBeDefined(), 5_000);
  expect(await dedupe.begin('orders', ['a'])).toEqual(['unsure']);
  dedupe.accepted('orders', ['a']);
  await redis.start();
  await until(
    async () => expect(await dedupe.begin('orders', [randomBytes(8).toString('hex')])).toEqual(['new']),
    15_000,
  );
});

test('a wrong password and an absent Redis are told in clear words without secrets', async () => {
  const redis = await startRedis();
  await otherProgram(redis.url).config('SET', 'requirepass', 'right');
  const wrong = await connected(redis.url, 'p', 's3cret');
  expect(wrong.health()).toMatch(/^Redis at [^ ]+ refuses the user name or the password$/);
  await otherProgram(redis.url.replace('//', '//:right@')).config('SET', 'requirepass', 's3cret');
  await until(async () => expect(wrong.health()).toBeUndefined(), 15_000);
  await otherProgram(redis.url.replace('//', '//:s3cret@')).config('SET', 'requirepass', 'right');
  const none = await connected(redis.url, 'p');
  expect(none.health()).toMatch(/^Redis at [^ ]+ wants a password$/);
  const right = await connected(redis.url, 'p', 'right');
  expect(right.health()).toBeUndefined();
  const absent = await connected('redis://127.0.0.1:1');
  expect(absent.health()).toMatch(/^Redis at 127\.0\.0\.1:1 cannot be used: connect ECONNREFUSED/);
});
