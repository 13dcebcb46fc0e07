import { createConnection } from 'mysql2/promise';
import { expect, onTestFinished, test } from 'vitest';
import { MysqlSchedule } from '../../server/src/adapters/ledger-mysql/schedule.js';
import { message } from '../../server/src/adapters/sqlite/fixture.js';
import { allShards } from '../../server/src/fixture/shards.js';
import { shardOf } from '../../server/src/model/shard.js';
import type { Due, Shard } from '../../server/src/ports/schedule.js';
import { ClusterSpace } from '../support/cluster-space.js';
import { mysqlOf } from '../support/due-shards.js';

const TOPIC = 'orders';
const IDS = Array.from({ length: 200 }, (_, i) => `m${i}`);
const DUE_AT = 1_000;
const CLAIM_MS = 100;

async function space(): Promise<ClusterSpace> {
  const made = await ClusterSpace.create();
  onTestFinished(() => made.remove());
  return made;
}

/** The schedule as one more gateway has it. */
async function gateway(space: ClusterSpace): Promise<MysqlSchedule> {
  const connection = mysqlOf(space);
  await connection.start();
  onTestFinished(() => connection.stop());
  return new MysqlSchedule(connection);
}

const add = (schedule: MysqlSchedule) =>
  schedule.add(IDS.map((id) => ({ message: message(TOPIC, id), dueAt: DUE_AT })));
const claim = (schedule: MysqlSchedule, shards: readonly Shard[], now = DUE_AT) =>
  schedule.claim(now, 500, CLAIM_MS, shards);
const idsOf = (due: readonly Due[]) => due.map(({ message }) => message.id).sort();
const idsIn = (shards: readonly Shard[]) =>
  IDS.filter((id) => shards.some(({ shard }) => shard === shardOf(id))).sort();

test('a claim brings what is due in its shards, and nothing else', async () => {
  const schedule = await gateway(await space());
  await add(schedule);
  const all = allShards(1);
  const [some, others] = [all.slice(0, 20), all.slice(20)];
  expect(await claim(schedule, [])).toEqual([]);
  expect(idsOf(await claim(schedule, some))).toEqual(idsIn(some));
  expect(idsOf(await claim(schedule, others))).toEqual(idsIn(others));
});

test('a token that is too low costs its shard alone', async () => {
  const at = await space();
  const [before, after] = [await gateway(at), await gateway(at)];
  await add(before);
  const [shard = { shard: 0, fence: 0 }, ...others] = allShards(5);
  expect(await claim(after, [{ ...shard, fence: 6 }], DUE_AT - 1)).toEqual([]);
  expect(idsOf(await claim(before, [shard, ...others]))).toEqual(idsIn(others));
  expect(idsOf(await claim(after, [{ ...shard, fence: 6 }]))).toEqual(idsIn([shard]));
});

test('two gateways that begin at once with tokens for the same shards leave the higher ones standing', async () => {
  const at = await space();
  const [one, two] = [await gateway(at), await gateway(at)];
  await add(one);
  await Promise.all(Array.from({ length: 10 }, (_, i) => claim(i % 2 === 0 ? one : two, allShards(1 + i), DUE_AT - 1)));
  expect(await claim(one, allShards(9))).toEqual([]);
  expect(await claim(two, allShards(10))).toHaveLength(IDS.length);
});

test('a gateway that freezes in the middle of a claim keeps its rows, and nobody from the others', async () => {
  const at = await space();
  const schedule = await gateway(at);
  await add(schedule);
  await claim(schedule, allShards(1), DUE_AT - 1);
  // What a claim does before its last statement.
  const frozen = await createConnection(at.databaseUrl);
  onTestFinished(() => frozen.end());
  await frozen.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
  await frozen.query('START TRANSACTION');
  await frozen.query(
    `SELECT message_id FROM schedule FORCE INDEX (schedule_ready) WHERE ready_at <= ${DUE_AT}
     ORDER BY ready_at LIMIT 50 FOR UPDATE SKIP LOCKED`,
  );
  await frozen.query(`SELECT name, fence FROM fences WHERE name LIKE 'due:%'`);
  const began = performance.now();
  expect(await claim(schedule, allShards(2))).toHaveLength(150);
  expect(performance.now() - began).toBeLessThan(2_000);
  await frozen.query('ROLLBACK');
  expect(await claim(schedule, allShards(2))).toHaveLength(50);
});
