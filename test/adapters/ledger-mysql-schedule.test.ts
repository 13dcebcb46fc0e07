import { expect, test, vi } from 'vitest';
import { Session } from '../../server/src/adapters/ledger-mysql/session.js';
import { amongKeys, type KeyColumns, keyed } from '../../server/src/adapters/ledger-mysql/statements/keys.js';
import { allShards } from '../../server/src/fixture/shards.js';
import type { Due } from '../../server/src/ports/schedule.js';
import { sharedServices } from '../support/services.js';
import {
  ACKED,
  claimOf,
  DELIVERED,
  entryOf,
  MysqlLab,
  messageOf,
  range,
  retryOf,
  TOPIC,
  waitingOf,
} from './mysql-lab.js';

const url = sharedServices().mysql;

async function opened() {
  const lab = new MysqlLab(url);
  const gateway = await lab.gateway();
  const { id: channel } = await gateway.ledger.channel(TOPIC, 'billing');
  return { lab, ...gateway, channel };
}

const idsOf = (due: readonly Due[]) => due.map(({ message }) => message.id);
const settled = (due: readonly Due[], how: 'published' | 'parked' | 'expired') =>
  due.map((each) => ({ due: each, how }));

test('a message is claimed once it is due, not before, oldest first, as it was', async () => {
  const { schedule } = await opened();
  const message = messageOf('late');
  const waiting = [{ message, dueAt: 1_002 }, waitingOf('early', 1_000), waitingOf('middle', 1_001)];
  expect(await schedule.add(waiting)).toEqual([true, true, true]);
  expect(await schedule.nextDue()).toBe(1_000);
  expect(await schedule.claim(999, 10, 100, allShards(1))).toEqual([]);
  expect(idsOf(await schedule.claim(1_000, 10, 100, allShards(1)))).toEqual(['early']);
  expect(idsOf(await schedule.claim(1_002, 1, 100, allShards(1)))).toEqual(['middle']);
  const [late] = await schedule.claim(1_002, 10, 100, allShards(1));
  expect(late).toMatchObject({
    channel: undefined,
    dueAt: 1_002,
    message: { id: 'late', topic: TOPIC, acceptedAt: 500 },
  });
  expect(late?.message.wire).toEqual(message.wire);
});

test('an id that waits on its topic already is not added again; on another topic it is another message', async () => {
  const { schedule, lab } = await opened();
  expect(await schedule.add([waitingOf('a', 1_000), waitingOf('a', 2_000), waitingOf('b', 1_000)])).toEqual([
    true,
    false,
    true,
  ]);
  const again = [
    waitingOf('c', 1_000),
    waitingOf('a', 9_000),
    waitingOf('a', 1_000, 'other'),
    waitingOf('b', undefined),
  ];
  expect(await schedule.add(again)).toEqual([true, false, true, false]);
  expect(await lab.rows('schedule', "message_id = 'a' AND due_at <> 1000")).toEqual([]);
});

test('of several gateways that add the same ids at once, each id is accepted by one', async () => {
  const lab = new MysqlLab(url);
  const gateways = await Promise.all([lab.gateway(), lab.gateway(), lab.gateway()]);
  const ids = range(300, 'raced');
  const answers = await Promise.all(
    gateways.map(({ schedule }, n) => {
      const mine = n % 2 === 0 ? ids : ids.toReversed();
      return Promise.all(
        mine.map(async (id) => (await schedule.add([waitingOf(id, 1_000)])).map((added) => ({ id, added }))),
      );
    }),
  );
  const accepted = answers.flat(2).filter(({ added }) => added);
  expect(accepted.map(({ id }) => id).sort()).toEqual(ids);
});

test('four claimers at once get each message exactly once', async () => {
  const lab = new MysqlLab(url);
  const gateways = await Promise.all([lab.gateway(), lab.gateway(), lab.gateway(), lab.gateway()]);
  const ids = range(2_000, 'due');
  await gateways[0]?.schedule.add(ids.map((id, n) => waitingOf(id, 1_000 + (n % 7))));
  const claimed = await Promise.all(
    gateways.map(async ({ schedule }) => {
      const mine: string[] = [];
      for (;;) {
        const due = await schedule.claim(2_000, 70, 60_000, allShards(1));
        if (due.length === 0) return mine;
        mine.push(...idsOf(due));
        await schedule.settle(settled(due, 'published'), 2_000);
      }
    }),
  );
  expect(claimed.flat().sort()).toEqual(ids);
  expect(await lab.rows('schedule')).toEqual([]);
});

test('a claim that ran out may be claimed again, and its first holder can settle nothing any more', async () => {
  const { schedule, lab } = await opened();
  await schedule.add([waitingOf('a', 1_000)]);
  const first = await schedule.claim(1_000, 10, 100, allShards(1));
  expect(await schedule.nextDue()).toBe(1_100);
  expect(await schedule.claim(1_099, 10, 100, allShards(1))).toEqual([]);
  const second = await schedule.claim(1_100, 10, 100, allShards(1));
  expect(idsOf(second)).toEqual(['a']);
  await schedule.settle(settled(first, 'published'), 1_150);
  await schedule.settle(settled(first, 'parked'), 1_150);
  expect(await lab.rows('schedule')).toMatchObject([{ state: 1 }]);
  await schedule.settle(settled(second, 'published'), 1_150);
  expect(await lab.rows('schedule')).toEqual([]);
});

test('a fencing token that is lower than one seen before claims nothing', async () => {
  const { schedule, lab } = await opened();
  await schedule.add([waitingOf('a', 1_000), waitingOf('b', 1_000)]);
  expect(await schedule.claim(1_000, 1, 100, allShards(7))).toHaveLength(1);
  expect(await schedule.claim(1_000, 1, 100, allShards(6))).toEqual([]);
  const other = await lab.gateway();
  expect(await other.schedule.claim(1_000, 1, 100, allShards(6))).toEqual([]);
  expect(await other.schedule.claim(1_000, 1, 100, allShards(7))).toHaveLength(1);
});

test('of a cancel and a claim that race, exactly one wins', async () => {
  const { schedule, lab } = await opened();
  const other = await lab.gateway();
  const ids = range(120, 'raced');
  await schedule.add(ids.map((id) => waitingOf(id, 1_000)));
  const claiming = (async () => {
    const claimed: string[] = [];
    for (let round = 0; round < 30; round++)
      claimed.push(...idsOf(await schedule.claim(1_000, 4, 60_000, allShards(1))));
    return claimed;
  })();
  const results = await Promise.all(ids.toReversed().map((id) => other.schedule.cancel(TOPIC, id, 1_000)));
  results.reverse();
  const claimed = new Set([...(await claiming), ...idsOf(await schedule.claim(1_000, 500, 60_000, allShards(1)))]);
  expect(results).toEqual(ids.map((id) => (claimed.has(id) ? 'claimed' : 'changed')));
  const records = await lab.rows<{ message_id: string }>('deliveries', 'channel_id = 0 AND state = 8');
  expect(records.map((row) => row.message_id)).toEqual(ids.filter((id) => !claimed.has(id)));
});

test('cancel withdraws what is delayed or parked, once, and leaves a record', async () => {
  const { schedule, lab } = await opened();
  await schedule.add([waitingOf('delayed', 1_000), waitingOf('parked', undefined)]);
  expect(await schedule.cancel(TOPIC, 'delayed', 900)).toBe('changed');
  expect(await schedule.cancel(TOPIC, 'delayed', 900)).toBe('absent');
  expect(await schedule.cancel(TOPIC, 'parked', 901)).toBe('changed');
  expect(await schedule.cancel('nowhere', 'x', 900)).toBe('absent');
  expect(await schedule.claim(9_000, 10, 100, allShards(1))).toEqual([]);
  expect(await lab.rows('deliveries')).toMatchObject([
    { channel_id: 0, message_id: 'delayed', state: 8, accepted_at: 500, settled_at: 900 },
    { channel_id: 0, message_id: 'parked', state: 8, settled_at: 901 },
  ]);
});

test('what was claimed cannot be cancelled or given another time, even when its claim ran out', async () => {
  const { schedule } = await opened();
  await schedule.add([waitingOf('a', 1_000)]);
  await schedule.claim(1_000, 10, 50, allShards(1));
  expect(await schedule.cancel(TOPIC, 'a', 2_000)).toBe('claimed');
  expect(await schedule.reschedule(TOPIC, 'a', 3_000)).toBe('claimed');
});

test('reschedule gives a delayed message another time; a parked one has none to change', async () => {
  const { schedule } = await opened();
  await schedule.add([waitingOf('a', 1_000), waitingOf('parked', undefined)]);
  expect(await schedule.reschedule(TOPIC, 'a', 5_000)).toBe('changed');
  expect(await schedule.reschedule(TOPIC, 'a', 5_000)).toBe('changed');
  expect(await schedule.reschedule(TOPIC, 'parked', 5_000)).toBe('absent');
  expect(await schedule.reschedule(TOPIC, 'nobody', 5_000)).toBe('absent');
  expect(await schedule.claim(4_999, 10, 100, allShards(1))).toEqual([]);
  expect(await schedule.claim(5_000, 10, 100, allShards(1))).toMatchObject([{ dueAt: 5_000 }]);
});

test('parked messages are claimed by topic in the order of acceptance, and only on request', async () => {
  const { schedule } = await opened();
  const at = (id: string, acceptedAt: number) => ({ message: messageOf(id, TOPIC, acceptedAt), dueAt: undefined });
  await schedule.add([
    at('z-first', 100),
    at('a-last', 300),
    at('m-middle', 200),
    waitingOf('else', undefined, 'other'),
  ]);
  expect((await schedule.parkedTopics(10)).sort()).toEqual([TOPIC, 'other'].sort());
  expect(await schedule.parkedTopics(1)).toHaveLength(1);
  expect(await schedule.claim(9_000, 10, 100, allShards(1))).toEqual([]);
  expect(await schedule.nextDue()).toBeUndefined();
  const two = await schedule.claimParked(TOPIC, 1_000, 2, 100);
  expect(idsOf(two)).toEqual(['z-first', 'm-middle']);
  expect(two[0]).toMatchObject({ dueAt: 0, channel: undefined });
  expect(idsOf(await schedule.claimParked(TOPIC, 1_050, 10, 100))).toEqual(['a-last']);
  await schedule.settle(settled(two, 'parked'), 1_060);
  expect(idsOf(await schedule.claimParked(TOPIC, 1_060, 10, 100))).toEqual(['z-first', 'm-middle']);
});

test('a due message that no channel wants is parked, and no longer comes by its time', async () => {
  const { schedule } = await opened();
  await schedule.add([waitingOf('a', 1_000)]);
  await schedule.settle(settled(await schedule.claim(1_000, 10, 100, allShards(1)), 'parked'), 1_010);
  expect(await schedule.claim(9_000, 10, 100, allShards(1))).toEqual([]);
  expect(await schedule.parkedTopics(10)).toEqual([TOPIC]);
  expect(idsOf(await schedule.claimParked(TOPIC, 9_000, 10, 100))).toEqual(['a']);
});

test('what expired in the wait leaves a record: of its topic, or of the channel whose retry it was', async () => {
  const { schedule, ledger, lab, channel } = await opened();
  const out = claimOf(channel, 'retried');
  await ledger.write([entryOf(out, retryOf('retried', 1_000))]);
  await schedule.add([waitingOf('delayed', 1_000)]);
  const due = await schedule.claim(1_000, 10, 100, allShards(1));
  expect(due.map((each) => each.channel)).toEqual([undefined, channel]);
  await schedule.settle(settled(due, 'expired'), 1_500);
  expect(await lab.rows('schedule')).toEqual([]);
  expect(await lab.rows('deliveries')).toMatchObject([
    { channel_id: 0, message_id: 'delayed', state: 7, settled_at: 1_500 },
    { channel_id: channel, message_id: 'retried', state: 7, attempt: 1, consumer: 'one', settled_at: 1_500 },
  ]);
  expect(await ledger.take([claimOf(channel, 'retried')])).toEqual([0]);
});

test.each([1, 2])(
  '%i of many rows are changed and removed by their key, and no other row is looked at',
  async (count) => {
    const { schedule, lab } = await opened();
    await schedule.add(range(300, 'waits').map((id) => waitingOf(id, 1_000)));
    const rows = await lab.rows<KeyColumns>('schedule');
    const keys = rows.slice(0, count).map((row) => keyed(row.channel_id, row.topic_id, row.message_id));
    const table = `${lab.database}.schedule`;
    for (const change of [`UPDATE ${table} FORCE INDEX (PRIMARY) SET claim = 'x'`, `DELETE FROM ${table}`]) {
      const plan = await lab.query<{ type: string; rows: number | string }>(
        `EXPLAIN ${change} WHERE ${amongKeys(keys)}`,
      );
      expect(
        plan.map(({ type, rows }) => [type, Number(rows)]),
        change,
      ).toEqual([['range', count]]);
    }
  },
);

test('prune leaves a record that was pruned by another gateway since it looked, and whose id is in use again', async () => {
  const { schedule, ledger, lab, channel } = await opened();
  const another = await lab.gateway();
  await ledger.write(['a', 'b'].map((id) => entryOf(claimOf(channel, id), ACKED, { at: 1_000 })));
  const { rows } = Session.prototype;
  const looked = vi.spyOn(Session.prototype, 'rows').mockImplementationOnce(async function (this: Session, query) {
    const found = await rows.call(this, query);
    looked.mockRestore();
    expect(await another.schedule.prune(1_500, 10)).toBe(2);
    await another.ledger.write([entryOf(claimOf(channel, 'a'), DELIVERED)]);
    return found;
  });
  await schedule.prune(1_500, 10);
  expect(await lab.rows('deliveries')).toMatchObject([{ message_id: 'a', state: 1 }]);
});

test('prune removes what was final before, with its history, in bounds; dead letters and open records stay', async () => {
  const { schedule, ledger, lab, channel } = await opened();
  await ledger.write([
    ...range(5, 'acked').map((id) => entryOf(claimOf(channel, id), ACKED, { at: 1_000 })),
    entryOf(claimOf(channel, 'young'), ACKED, { at: 2_000 }),
    entryOf(claimOf(channel, 'dead'), { state: 'dead', reason: 'x', wire: messageOf('dead').wire }, { at: 1_000 }),
    entryOf(claimOf(channel, 'open'), { state: 'returned', reason: 'x' }, { at: 1_000 }),
    entryOf(claimOf(channel, 'expired'), { state: 'expired' }, { at: 1_001 }),
    entryOf(claimOf(channel, 'second'), { state: 'returned', reason: 'x' }, { at: 900 }),
  ]);
  const second = claimOf(channel, 'second');
  await ledger.take([second]);
  await ledger.write([entryOf(second, ACKED, { attempt: 2, at: 1_000 })]);
  expect(await lab.rows('attempts')).toHaveLength(4);
  expect(await schedule.prune(1_500, 4)).toBe(4);
  expect(await schedule.prune(1_500, 4)).toBe(3);
  expect(await schedule.prune(1_500, 4)).toBe(0);
  const left = await lab.rows<{ message_id: string }>('deliveries');
  expect(left.map((row) => row.message_id)).toEqual(['dead', 'open', 'young']);
  const history = await lab.rows<{ message_id: string }>('attempts');
  expect(history.map((row) => row.message_id)).toEqual(['dead', 'open']);
});
