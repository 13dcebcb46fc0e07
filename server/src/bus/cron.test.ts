import { create, toBinary } from '@bufbuild/protobuf';
import { MessageSchema } from '@waybill/proto/waybill/v1/message';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { EmbeddedFixture, MINUTE_MS } from '../fixture/embedded.js';
import { allShards } from '../fixture/shards.js';
import { CronSchedule } from '../model/cron-schedule.js';
import { BusError } from '../model/errors.js';
import type { CronDraft, CronEntry, CronTicks } from '../ports/cron.js';
import { type Logger, silentLogger } from '../ports/logger.js';
import { Cron } from './cron.js';

const HOUR_MS = 60 * MINUTE_MS;

let fixture: EmbeddedFixture;
let woken: number[];

beforeEach(async () => {
  fixture = await EmbeddedFixture.create();
  onTestFinished(() => fixture.remove());
  fixture.clock.time = Date.parse('2026-01-01T00:00:30Z');
  woken = [];
});

const now = () => fixture.clock.now();
const cronOf = (ticks: CronTicks = fixture.engine.cronTicks, logger: Logger = silentLogger) =>
  new Cron({
    ticks,
    termsOf: () => undefined,
    clock: fixture.clock,
    logger,
    scheduled: (dueAt) => woken.push(dueAt),
  });

function draft(expression: string, also: Partial<CronDraft> = {}): CronDraft {
  const zone = also.zone ?? 'UTC';
  const wire = toBinary(
    MessageSchema,
    create(MessageSchema, { topic: 'reports', body: Buffer.from('go'), ttlMs: 5_000n }),
  );
  const nextAt = CronSchedule.parse(expression, zone).after(now());
  return { topic: 'reports', expression, zone, missed: 'once', wire, nextAt, ...also };
}

async function add(name: string, expression: string, also: Partial<CronDraft> = {}): Promise<CronEntry> {
  const entry = await fixture.engine.cron.add(name, draft(expression, also), { paused: false, now: now() });
  if (entry === undefined) throw new Error(`${name} is there`);
  return entry;
}

/** The ticks that became messages, as their ids tell, of one entry. */
async function ticks(name = 'e'): Promise<string[]> {
  const due = await fixture.engine.schedule.claim(now(), 1_000, 1, allShards(1));
  fixture.clock.advance(1);
  await fixture.engine.schedule.settle(
    due.map((one) => ({ due: one, how: 'published' as const })),
    now(),
  );
  return due
    .filter(({ message }) => message.id.startsWith(`cron-${name}-`))
    .map(({ message }) => new Date(Number(message.id.split('-').at(-1))).toISOString().slice(11, 19));
}

test('a tick is made at its time, not before, and is due then', async () => {
  await add('e', '* * * * *');
  const cron = cronOf();
  expect(await cron.runOnce()).toBe(30_000);
  expect(await ticks()).toEqual([]);
  fixture.clock.time = Date.parse('2026-01-01T00:00:59.999Z');
  expect(await cron.runOnce()).toBe(1);
  expect(woken).toEqual([]);
  fixture.clock.advance(1);
  expect(await cron.runOnce()).toBe(MINUTE_MS);
  expect(woken).toEqual([now()]);
  const [due] = await fixture.engine.schedule.claim(now(), 10, 1, allShards(1));
  // Its life begins when it is made.
  expect(due?.message).toMatchObject({ topic: 'reports', acceptedAt: now(), expiresAt: now() + 5_000 });
  expect(due?.dueAt).toBe(now());
});

test('two gateways that make the same tick make one message', async () => {
  await add('e', '* * * * *');
  fixture.clock.advance(30_000);
  const [seen] = await fixture.engine.cronTicks.due(now(), 10);
  const others = Array.from({ length: 5 }, () => cronOf());
  await Promise.all(others.map((cron) => cron.runOnce()));
  expect(await ticks()).toEqual(['00:01:00']);
  // One that was frozen since before, and wakes up now.
  const frozen: CronTicks = {
    due: async () => (seen === undefined ? [] : [seen]),
    next: () => fixture.engine.cronTicks.next(),
    fire: (entry, tick) => fixture.engine.cronTicks.fire(entry, tick),
    skip: (entry, nextAt) => fixture.engine.cronTicks.skip(entry, nextAt),
  };
  await cronOf(frozen).runOnce();
  expect(await ticks()).toEqual([]);
});

describe('entries that cannot be run', () => {
  async function addFaulty(names: readonly string[]): Promise<void> {
    for (const name of names) {
      await add(name, '* * * * *');
      await fixture.engine.cron.replace(name, { ...draft('* * * * *'), expression: 'nonsense' }, now());
    }
  }

  /** As the runner does it, until nothing is left to do at once: how often that was. */
  async function run(cron: Cron): Promise<{ readonly rounds: number; readonly waitMs: number | undefined }> {
    for (let rounds = 1; ; rounds++) {
      const waitMs = await cron.runOnce();
      if (waitMs === undefined || waitMs > 0) return { rounds, waitMs };
    }
  }

  function complaining(): { readonly cron: Cron; readonly complaints: string[] } {
    const complaints: string[] = [];
    const warn = (fields: object) => {
      if ('cron' in fields) complaints.push(String(fields.cron));
    };
    return { cron: cronOf(fixture.engine.cronTicks, { ...silentLogger, warn }), complaints };
  }

  test('hold up none behind them, however many they are', async () => {
    const faulty = Array.from({ length: 45 }, (_, i) => `faulty-${i}`);
    await addFaulty(faulty);
    await add('good', '* * * * *');
    fixture.clock.advance(30_000);
    const { cron, complaints } = complaining();
    expect(await run(cron)).toEqual({ rounds: 3, waitMs: MINUTE_MS });
    expect(complaints.toSorted()).toEqual(faulty.toSorted());
    expect(await ticks('good')).toEqual(['00:01:00']);
  });

  test('are tried again after a rest, and not before', async () => {
    await addFaulty(['faulty']);
    fixture.clock.advance(30_000);
    const { cron, complaints } = complaining();
    expect(await cron.runOnce()).toBeUndefined();
    fixture.clock.advance(29_999);
    // Whatever the wall clock is set to.
    fixture.clock.jump(10 * MINUTE_MS);
    expect(await cron.runOnce()).toBeUndefined();
    expect(complaints).toHaveLength(1);
    fixture.clock.advance(1);
    expect(await cron.runOnce()).toBeUndefined();
    expect(complaints).toHaveLength(2);
  });

  test('do not slow down the others, which make up for ticks that are late at once', async () => {
    await addFaulty(['faulty']);
    await add('good', '*/10 * * * * *');
    fixture.clock.advance(45_000);
    const { waitMs } = await run(cronOf());
    expect(waitMs).toBe(5_000);
    expect(await ticks('good')).toEqual(['00:00:40', '00:00:50', '00:01:00', '00:01:10']);
  });

  test('run at their next tick once an operator has mended them', async () => {
    await addFaulty(['e']);
    fixture.clock.advance(30_000);
    const cron = cronOf();
    await cron.runOnce();
    await fixture.engine.cron.replace('e', draft('*/5 * * * * *'), now());
    expect(await cron.runOnce()).toBe(5_000);
    fixture.clock.advance(5_000);
    await cron.runOnce();
    expect(await ticks()).toEqual(['00:01:05']);
  });
});

test('a ledger that is away is told to whoever runs the job', async () => {
  await add('e', '* * * * *');
  fixture.clock.advance(30_000);
  const { cronTicks } = fixture.engine;
  const away: CronTicks = {
    due: (time, limit, except) => cronTicks.due(time, limit, except),
    next: (except) => cronTicks.next(except),
    fire: () => Promise.reject(new BusError('LEDGER_UNAVAILABLE', 'the ledger is away')),
    skip: (entry, nextAt) => cronTicks.skip(entry, nextAt),
  };
  await expect(cronOf(away).runOnce()).rejects.toMatchObject({ reason: 'LEDGER_UNAVAILABLE' });
  await cronOf().runOnce();
  expect(await ticks()).toEqual(['00:01:00']);
});

test('ticks that are late by up to a minute are all made up for', async () => {
  await add('e', '*/10 * * * * *');
  fixture.clock.advance(45_000);
  const cron = cronOf();
  for (let i = 0; i < 10; i++) await cron.runOnce();
  expect(await ticks()).toEqual(['00:00:40', '00:00:50', '00:01:00', '00:01:10']);
});

describe('ticks that nobody was there for', () => {
  test('are published once, as the last of them', async () => {
    await add('e', '*/10 * * * *');
    fixture.clock.advance(5 * HOUR_MS);
    const cron = cronOf();
    for (let i = 0; i < 3; i++) await cron.runOnce();
    expect(await ticks()).toEqual(['05:00:00']);
    expect((await fixture.engine.cron.find('e'))?.nextAt).toBe(Date.parse('2026-01-01T05:10:00Z'));
  });

  test('are left out where the entry says so, but for one of the last minute', async () => {
    await add('e', '*/10 * * * *', { missed: 'skip' });
    fixture.clock.advance(5 * HOUR_MS);
    const cron = cronOf();
    for (let i = 0; i < 3; i++) await cron.runOnce();
    expect(await ticks()).toEqual(['05:00:00']);
    fixture.clock.advance(5 * HOUR_MS + 5 * MINUTE_MS);
    for (let i = 0; i < 3; i++) await cron.runOnce();
    expect(await ticks()).toEqual([]);
    expect((await fixture.engine.cron.find('e'))?.nextAt).toBe(Date.parse('2026-01-01T10:10:00Z'));
  });
});

describe('a clock that is set', () => {
  test('back makes no tick twice', async () => {
    await add('e', '* * * * *');
    fixture.clock.advance(10 * MINUTE_MS);
    const cron = cronOf();
    await cron.runOnce();
    expect(await ticks()).toEqual(['00:10:00']);
    fixture.clock.jump(-5 * MINUTE_MS);
    for (let minute = 0; minute < 6; minute++) {
      await cron.runOnce();
      fixture.clock.advance(MINUTE_MS);
    }
    fixture.clock.jump(-1);
    await cron.runOnce();
    expect(await ticks()).toEqual(['00:11:00']);
  });

  test('forth makes what it left out once', async () => {
    await add('e', '* * * * *');
    fixture.clock.jump(3 * HOUR_MS);
    const cron = cronOf();
    await cron.runOnce();
    await cron.runOnce();
    expect(await ticks()).toEqual(['03:00:00']);
  });
});

test('a night of daylight saving has each time of day once, and each interval', async () => {
  fixture.clock.time = Date.parse('2026-10-24T22:00:00Z');
  const zone = 'Europe/Berlin';
  await add('daily', '30 2 * * *', { zone });
  await add('half', '*/30 * * * *', { zone });
  const cron = cronOf();
  const seen: Record<string, string[]> = { daily: [], half: [] };
  for (let quarter = 0; quarter < 4 * 26; quarter++) {
    fixture.clock.time = Date.parse('2026-10-24T22:00:00Z') + quarter * 15 * MINUTE_MS;
    for (let i = 0; i < 2; i++) await cron.runOnce();
    const due = await fixture.engine.schedule.claim(now(), 100, 1, allShards(1));
    await fixture.engine.schedule.settle(
      due.map((one) => ({ due: one, how: 'published' as const })),
      now(),
    );
    for (const { message } of due) seen[message.id.split('-')[1] ?? '']?.push(message.id);
  }
  expect(seen.daily).toHaveLength(1);
  // The day has 25 hours.
  expect(new Set(seen.half).size).toBe(51);
  expect(seen.half).toHaveLength(51);
});

test('an entry that is changed while its tick is made is left to its new self', async () => {
  const entry = await add('e', '* * * * *');
  fixture.clock.advance(30_000);
  await fixture.engine.cron.replace('e', draft('0 * * * *'), now());
  const message = { id: 'x', topic: 'reports', key: '', acceptedAt: now(), expiresAt: 0, wire: entry.wire };
  const tick = { at: now(), message, terms: undefined, nextAt: undefined };
  expect(await fixture.engine.cronTicks.fire(entry, tick)).toBe(false);
  expect(await fixture.engine.cronTicks.skip(entry, undefined)).toBe(false);
  expect((await fixture.engine.cron.find('e'))?.nextAt).toBe(Date.parse('2026-01-01T01:00:00Z'));
  expect(await fixture.engine.schedule.nextDue()).toBeUndefined();
});
