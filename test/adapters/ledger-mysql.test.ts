import { setTimeout as delay } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { expect, onTestFinished, test } from 'vitest';
import { allShards } from '../../server/src/fixture/shards.js';
import type { RetryPolicy } from '../../server/src/model/retry-policy.js';
import type { Change, Outcome } from '../../server/src/ports/ledger.js';
import { sharedServices } from '../support/services.js';
import { until } from '../support/until.js';
import {
  ACKED,
  claimOf,
  DELIVERED,
  entryOf,
  leaseOf,
  MysqlLab,
  messageOf,
  nextNonce,
  range,
  retryOf,
  strangerOf,
  TOPIC,
} from './mysql-lab.js';

const url = sharedServices().mysql;

async function opened() {
  const lab = new MysqlLab(url);
  const gateway = await lab.gateway();
  const { id: channel } = await gateway.ledger.channel(TOPIC, 'billing');
  return { lab, ...gateway, channel };
}

test('an ack without a record is written once with all that is known, and a repeat of it is ok', async () => {
  const { lab, ledger, channel } = await opened();
  const ack = entryOf(claimOf(channel, 'a'), ACKED);
  expect(await ledger.write([ack])).toEqual(['ok']);
  expect(await ledger.write([ack])).toEqual(['ok']);
  expect(await lab.rows('deliveries')).toMatchObject([
    { message_id: 'a', state: 5, attempt: 1, nonce: ack.nonce, consumer: 'one', accepted_at: 500, settled_at: 700 },
  ]);
});

test('one entry that is refused beside one that changes its record are told apart, though they count as two fresh rows do', async () => {
  const { ledger, channel } = await opened();
  const [refused, changed] = [claimOf(channel, 'a'), claimOf(channel, 'b')];
  await ledger.write([entryOf(refused, ACKED), entryOf(changed, DELIVERED)]);
  const late = entryOf(refused, ACKED, { nonce: nextNonce() });
  expect(await ledger.write([late, entryOf(changed, ACKED)])).toEqual(['stale', 'ok']);
  expect(await ledger.write([entryOf(changed, ACKED), late, entryOf(claimOf(channel, 'c'), ACKED)])).toEqual([
    'ok',
    'stale',
    'ok',
  ]);
});

test('what a settle by a stranger does not know stays as the hand-out told it', async () => {
  const { lab, ledger, channel } = await opened();
  const out = claimOf(channel, 'a');
  await ledger.write([entryOf(out, DELIVERED)]);
  expect(await ledger.write([strangerOf(out, ACKED)])).toEqual(['ok']);
  expect(await lab.rows('deliveries')).toMatchObject([
    { state: 5, consumer: 'one', accepted_at: 500, delivered_at: 600, settled_at: 700 },
  ]);
});

test('a settle whose receipt says that a record was written is stale without one', async () => {
  const { lab, ledger, channel } = await opened();
  expect(await ledger.write([strangerOf(claimOf(channel, 'a'), ACKED)])).toEqual(['stale']);
  expect(await ledger.write([strangerOf(claimOf(channel, 'b'), ACKED, { recorded: false })])).toEqual(['ok']);
  expect(await lab.rows('deliveries')).toMatchObject([{ message_id: 'b' }]);
});

test('a settle is stale after another hand-out took the record, or a final one closed it', async () => {
  const { ledger, channel } = await opened();
  const first = claimOf(channel, 'a');
  await ledger.write([entryOf(first, DELIVERED)]);
  const second = claimOf(channel, 'a', { consumer: 'two' });
  expect(await ledger.take([second])).toEqual([2]);
  for (const change of [ACKED, retryOf('a', 900), leaseOf('a', 900), { state: 'returned', reason: 'gone' } as const]) {
    expect(await ledger.write([entryOf(first, change)])).toEqual(['stale']);
  }
  expect(await ledger.write([entryOf(second, ACKED, { attempt: 2 })])).toEqual(['ok']);
  expect(await ledger.write([entryOf(second, retryOf('a', 900), { attempt: 2 })])).toEqual(['stale']);
  expect(await ledger.write([entryOf(claimOf(channel, 'a'), ACKED, { attempt: 3 })])).toEqual(['stale']);
});

test('an entry of a later attempt applies to any record that is not final', async () => {
  const { lab, ledger, channel } = await opened();
  await ledger.write([
    entryOf(claimOf(channel, 'a'), DELIVERED),
    entryOf(claimOf(channel, 'b'), retryOf('b', 900)),
    entryOf(claimOf(channel, 'c'), leaseOf('c', 900)),
  ]);
  const later = ['a', 'b', 'c'].map((id) => entryOf(claimOf(channel, id), ACKED, { attempt: 2 }));
  expect(await ledger.write(later)).toEqual(['ok', 'ok', 'ok']);
  expect(await lab.rows('schedule')).toEqual([]);
});

test('entries of one message behave as if written one after the other, in one call and over calls', async () => {
  const { lab, ledger, channel } = await opened();
  const out = claimOf(channel, 'a');
  const calls = [
    ledger.write([entryOf(out, DELIVERED), entryOf(out, ACKED), entryOf(out, DELIVERED)]),
    ledger.write([entryOf(out, { state: 'dead', reason: 'late' })]),
    ledger.write([entryOf(out, ACKED)]),
  ];
  expect(await Promise.all(calls)).toEqual([['ok', 'ok', 'stale'], ['stale'], ['ok']]);
  expect(await lab.rows('deliveries')).toMatchObject([{ state: 5 }]);
});

test('of two ledgers that settle the same hand-outs differently, exactly one is told ok for each', async () => {
  const { lab, ledger, channel } = await opened();
  const other = await lab.gateway();
  const outs = range(600, 'raced').map((id) => claimOf(channel, id));
  await ledger.write(outs.filter((_, n) => n % 2 === 0).map((out) => entryOf(out, DELIVERED)));
  const acks = outs.map((out) => entryOf(out, ACKED));
  const deaths = outs.map((out) => entryOf(out, { state: 'dead', reason: 'lost', wire: messageOf(out.id).wire }));
  const [acked, dead] = await Promise.all([
    inPieces(acks, (piece) => ledger.write(piece)),
    inPieces(deaths.reverse(), (piece) => other.ledger.write(piece)),
  ]);
  dead.reverse();
  expect(acked.map((outcome, n) => [outcome, dead[n]].sort())).toEqual(outs.map(() => ['ok', 'stale']));
  const kept = await lab.rows<{ message_id: string }>('schedule', 'state = 5');
  expect(kept.length).toBe(dead.filter((outcome) => outcome === 'ok').length);
});

test('of two ledgers that take the same messages, each hand-out has an attempt of its own', async () => {
  const { lab, ledger, channel } = await opened();
  const other = await lab.gateway();
  const ids = range(500, 'raced');
  const [here, there] = await Promise.all([
    ledger.take(ids.map((id) => claimOf(channel, id))),
    other.ledger.take(ids.toReversed().map((id) => claimOf(channel, id))),
  ]);
  there.reverse();
  expect(here.map((attempt, n) => [attempt, there[n]].sort())).toEqual(ids.map(() => [1, 2]));
});

test('a write that loses a deadlock is run again', async () => {
  const { lab, ledger, channel } = await opened();
  const [first, second] = [claimOf(channel, 'a'), claimOf(channel, 'b')];
  await ledger.write([entryOf(first, DELIVERED), entryOf(second, DELIVERED)]);
  const rival = await createConnection({ uri: url, database: lab.database });
  onTestFinished(() => rival.end());
  await rival.query('START TRANSACTION');
  // The server gives up the transaction that has changed less.
  await rival.query(
    `INSERT INTO topics (name) VALUES ${range(50, 'weight')
      .map((name) => `('${name}')`)
      .join(',')}`,
  );
  await rival.query(`SELECT * FROM deliveries FORCE INDEX (PRIMARY) WHERE message_id = 'b' FOR UPDATE`);
  const write = ledger.write([entryOf(first, retryOf('a', 900)), entryOf(second, retryOf('b', 900))]);
  await until(async () => {
    // Asked more often than every 100 ms, the server goes on telling what it told the first time.
    await delay(150);
    const waiting = await lab.query(`SELECT * FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'`);
    if (waiting.length === 0) throw new Error('nobody waits');
  }, 5_000);
  await rival.query(`SELECT * FROM deliveries FORCE INDEX (PRIMARY) WHERE message_id = 'a' FOR UPDATE`);
  await rival.query('COMMIT');
  expect(await write).toEqual(['ok', 'ok']);
  expect(await lab.rows('attempts')).toHaveLength(2);
});

test('gateways that write the same settles in opposite orders all end', async () => {
  const { lab, ledger, channel } = await opened();
  const others = await Promise.all([lab.gateway(), lab.gateway(), lab.gateway()]);
  const outs = range(300, 'crossed').map((id) => claimOf(channel, id));
  await ledger.write(outs.map((out) => entryOf(out, DELIVERED)));
  const entries = outs.map((out) => entryOf(out, retryOf(out.id, 900)));
  const outcomes = await Promise.all(
    [ledger, ...others.map((other) => other.ledger)].map((each, n) =>
      inPieces(n % 2 === 0 ? entries : entries.toReversed(), (piece) => each.write(piece)),
    ),
  );
  // All four write the same entries, so all but the first repeat what stands.
  expect(new Set(outcomes.flat())).toEqual(new Set(['ok']));
  expect(await lab.rows('schedule')).toHaveLength(outs.length);
  expect(await lab.rows('attempts')).toHaveLength(outs.length);
});

test('a retry is in the schedule with its body, and its attempt in the history; written twice it is there once', async () => {
  const { lab, ledger, channel } = await opened();
  const retry = entryOf(claimOf(channel, 'a'), retryOf('a', 900, "it's \\ 50% 'broken' ü"));
  expect(await ledger.write([retry])).toEqual(['ok']);
  expect(await ledger.write([retry])).toEqual(['ok']);
  const reason = "it's \\ 50% 'broken' ü";
  expect(await lab.rows('deliveries')).toMatchObject([{ state: 3, reason }]);
  expect(await lab.rows('attempts')).toMatchObject([
    { attempt: 1, outcome: 3, consumer: 'one', settled_at: 700, reason },
  ]);
  expect(await lab.rows('schedule')).toMatchObject([
    { state: 2, due_at: 900, ready_at: 900, attempt: 1, claim: '', wire: Buffer.from(messageOf('a').wire) },
  ]);
});

test('a repeated retry does not bring back what was published since', async () => {
  const { lab, ledger, schedule, channel } = await opened();
  const retry = entryOf(claimOf(channel, 'a'), retryOf('a', 900));
  await ledger.write([retry]);
  const due = await schedule.claim(900, 10, 1_000, allShards(1));
  await schedule.settle([{ due: due[0] as (typeof due)[0], how: 'published' }], 901);
  expect(await ledger.write([retry])).toEqual(['ok']);
  expect(await lab.rows('schedule')).toEqual([]);
});

test('a lease is extended, then acked by a stranger, and its body is gone', async () => {
  const { lab, ledger, channel } = await opened();
  const out = claimOf(channel, 'a');
  expect(await ledger.write([entryOf(out, leaseOf('a', 1_000))])).toEqual(['ok']);
  const extend: Change = { state: 'leased', deadline: 2_000, expiresAt: 0 };
  expect(await ledger.write([strangerOf(out, extend)])).toEqual(['ok']);
  expect(await lab.rows('schedule')).toMatchObject([
    { state: 3, deadline: 2_000, wire: Buffer.from(messageOf('a').wire) },
  ]);
  expect(await ledger.write([strangerOf(out, ACKED)])).toEqual(['ok']);
  expect(await lab.rows('schedule')).toEqual([]);
  expect(await ledger.write([strangerOf(out, extend)])).toEqual(['stale']);
});

test('an ack by the gateway that handed out finds a lease too, and leaves no body behind', async () => {
  const { lab, ledger, channel } = await opened();
  const outs = range(3, 'leased').map((id) => claimOf(channel, id));
  await ledger.write(outs.map((out) => entryOf(out, leaseOf(out.id, 1_000))));
  const fresh = entryOf(claimOf(channel, 'fresh'), ACKED);
  expect(await ledger.write([...outs.map((out) => entryOf(out, ACKED)), fresh])).toEqual(['ok', 'ok', 'ok', 'ok']);
  expect(await lab.rows('schedule')).toEqual([]);
});

test('a leased message is tried again, or dead, from the body that the schedule has', async () => {
  const { lab, ledger, schedule, channel } = await opened();
  const [again, dead] = [claimOf(channel, 'again'), claimOf(channel, 'dead')];
  await ledger.write([entryOf(again, leaseOf('again', 1_000)), entryOf(dead, leaseOf('dead', 1_001))]);
  expect(await schedule.expiredLeases(999, 10, allShards(1))).toEqual([]);
  const leases = await schedule.expiredLeases(1_001, 10, allShards(1));
  expect(leases).toEqual([
    { channel, topic: TOPIC, id: 'again', attempt: 1, nonce: again.nonce, deadline: 1_000, aliased: false },
    { channel, topic: TOPIC, id: 'dead', attempt: 1, nonce: dead.nonce, deadline: 1_001, aliased: false },
  ]);
  const entries = [
    strangerOf(again, { state: 'retry', reason: 'lease expired', dueAt: 1_100, expiresAt: 0 }),
    strangerOf(dead, { state: 'dead', reason: 'lease expired' }),
  ];
  expect(await ledger.write(entries)).toEqual(['ok', 'ok']);
  expect(await schedule.expiredLeases(9_999, 10, allShards(1))).toEqual([]);
  expect((await schedule.claim(1_100, 10, 100, allShards(1))).map(({ message }) => message.id)).toEqual(['again']);
  expect(await lab.rows('schedule', 'state = 5')).toMatchObject([
    { message_id: 'dead', reason: 'lease expired', wire: Buffer.from(messageOf('dead').wire) },
  ]);
  expect(await ledger.write([strangerOf(again, ACKED), strangerOf(dead, ACKED)])).toEqual(['stale', 'stale']);
});

test('what nothing holds can neither be tried again nor kept: stale', async () => {
  const { lab, ledger, channel } = await opened();
  const out = claimOf(channel, 'a');
  await ledger.write([entryOf(out, DELIVERED)]);
  const bodiless: Change = { state: 'retry', reason: 'x', dueAt: 1, expiresAt: 0 };
  expect(await ledger.write([strangerOf(out, bodiless)])).toEqual(['stale']);
  expect(await lab.rows('deliveries')).toMatchObject([{ state: 1 }]);
});

test('take answers the attempt, and 0 for what is final, leased or waits for its retry', async () => {
  const { ledger, schedule, channel } = await opened();
  const outs = new Map(
    ['new', 'out', 'back', 'done', 'dead', 'old', 'held', 'waits', 'sent', 'under-way'].map((id) => [
      id,
      claimOf(channel, id),
    ]),
  );
  const out = (id: string) => outs.get(id) ?? claimOf(channel, id);
  await ledger.write([
    entryOf(out('out'), DELIVERED),
    entryOf(out('back'), { state: 'returned', reason: 'gone' }),
    entryOf(out('done'), ACKED),
    entryOf(out('dead'), { state: 'dead', reason: 'x', wire: messageOf('dead').wire }),
    entryOf(out('old'), { state: 'expired' }),
    entryOf(out('held'), leaseOf('held', 9_000)),
    entryOf(out('sent'), retryOf('sent', 800)),
  ]);
  const sent = await schedule.claim(800, 10, 1_000, allShards(1));
  await schedule.settle(
    sent.map((due) => ({ due, how: 'published' as const })),
    801,
  );
  await ledger.write([
    entryOf(out('under-way'), retryOf('under-way', 810)),
    entryOf(out('waits'), retryOf('waits', 9_000)),
  ]);
  const underWay = await schedule.claim(810, 10, 1_000, allShards(1));
  expect(underWay).toHaveLength(1);

  const ids = ['new', 'out', 'back', 'done', 'dead', 'old', 'held', 'waits', 'sent', 'under-way'];
  const claims = ids.map((id) => claimOf(channel, id));
  const attempts = [1, 2, 2, 0, 0, 0, 0, 0, 2, 2];
  expect(await ledger.take(claims)).toEqual(attempts);
  // The same hand-outs again, as after a commit whose outcome was not known.
  expect(await ledger.take(claims)).toEqual(attempts);
});

test('a retry whose publisher crashed after the publish is not published once more when its copy was taken', async () => {
  const { ledger, schedule, channel } = await opened();
  await ledger.write([entryOf(claimOf(channel, 'a'), retryOf('a', 800))]);
  expect(await schedule.claim(800, 10, 50, allShards(1))).toHaveLength(1);
  expect(await ledger.take([claimOf(channel, 'a')])).toEqual([2]);
  expect(await schedule.claim(9_000, 10, 50, allShards(1))).toEqual([]);
});

test('thousands of entries in one call answer in order', async () => {
  const { ledger, channel } = await opened();
  const outs = range(4_500, 'many').map((id) => claimOf(channel, id));
  await ledger.write(outs.filter((_, n) => n % 3 === 0).map((out) => entryOf(out, ACKED)));
  const outcomes = await ledger.write(outs.map((out) => entryOf({ ...out, nonce: nextNonce() }, ACKED)));
  expect(outcomes).toEqual(outs.map((_, n) => (n % 3 === 0 ? 'stale' : 'ok')));
});

test('an entry that no server can take fails its own call, not those beside it', async () => {
  const { ledger, channel } = await opened();
  const good = ledger.write([entryOf(claimOf(channel, 'good'), ACKED)]);
  const bad = ledger.write([entryOf(claimOf(channel, 'b\u00e4d'), ACKED)]);
  const odd = ledger.write([entryOf(claimOf(channel, `it's-\\-"odd"`), ACKED)]);
  await expect(bad).rejects.toMatchObject({ reason: 'ID_INVALID' });
  expect(await Promise.all([good, odd])).toEqual([['ok'], ['ok']]);
  expect(await ledger.take([claimOf(channel, `it's-\\-"odd"`)])).toEqual([0]);
});

test('a channel is one, however many gateways make it at once; a policy that is given replaces its own', async () => {
  const lab = new MysqlLab(url);
  const [{ ledger }, other, third] = await Promise.all([lab.gateway(), lab.gateway(), lab.gateway()]);
  const made = await Promise.all(
    [{ ledger }, other, third].flatMap(({ ledger }) => [ledger.channel('t', 'c'), ledger.channel('t', 'c')]),
  );
  expect(new Set(made.map(({ id }) => id)).size).toBe(1);
  const retry: RetryPolicy = {
    maxRetries: 3,
    backoff: { kind: 'exponential', initialMs: 10, multiplier: 2, maxMs: 100, jitter: 0.5 },
  };
  expect(await ledger.channel('t', 'c', retry)).toMatchObject({ retry });
  expect(await ledger.channel('t', 'c')).toMatchObject({ retry });
  const pattern = await other.ledger.channel('orders.*.#', 'c', {
    maxRetries: 0,
    backoff: { kind: 'fixed', delayMs: 5 },
  });
  expect(await other.ledger.channels()).toMatchObject([{ id: made[0]?.id, topic: 't', name: 'c', retry }, pattern]);
});

/** As callers of several gateways would: pieces, all at once. */
async function inPieces<T>(
  items: readonly T[],
  write: (piece: readonly T[]) => Promise<Outcome[]>,
): Promise<Outcome[]> {
  const pieces: Promise<Outcome[]>[] = [];
  for (let from = 0; from < items.length; from += 37) pieces.push(write(items.slice(from, from + 37)));
  return (await Promise.all(pieces)).flat();
}
