import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BusClient } from '../support/client.js';
import type { ClusterSpace } from '../support/cluster-space.js';
import { DueConsumer } from '../support/due-consumer.js';
import { claimWith, fencesIn, releasedBy, releasesOf, shardsOf, sharing } from '../support/due-shards.js';
import { type Gateway, type GatewayGroup, gatewayGroup } from '../support/gateway.js';
import { linesOf } from '../support/log-lines.js';
import { until } from '../support/until.js';

/** Config `DLMExpiration`: how long the shards of a gateway that was killed stay its own. */
const LOCK_MS = 2_000;
const SETTINGS = { DLMExpiration: LOCK_MS / 1_000, Debug: true };
/** From the last renewal: the locks run out, and the others look every third of their time. */
const MOVED_MS = LOCK_MS + LOCK_MS / 3;
/** For a machine that is busy with other tests. */
const SLACK_MS = 1_500;
const HOUR_MS = 3_600_000;

describe('three gateways that share the schedule', () => {
  let group: GatewayGroup;
  let stays: Gateway;
  let killed: Gateway;
  let frozen: Gateway;
  let client: BusClient;
  let consumer: DueConsumer;

  beforeAll(async () => {
    group = await gatewayGroup('cluster');
    stays = await group.start(SETTINGS);
    [killed, frozen] = await Promise.all([group.start(SETTINGS), group.start(SETTINGS)]);
    client = new BusClient(stays.rpcUrl);
    consumer = await DueConsumer.start(client);
  });

  afterAll(async () => {
    await consumer?.stop();
    client?.close();
    await group?.remove();
  });

  test('each has its share of the shards, and publishes its share of what is due, on time', async () => {
    const shares = await sharing(10_000, stays, killed, frozen);
    // None may be due before all are scheduled: what is due when it is published waits for nobody's shard.
    const start = Date.now() + 4_000;
    await consumer.schedule(client, 3_000, start, start + 2_000);
    expect(Date.now()).toBeLessThan(start);
    await consumer.checker.until(({ lost }) => lost === 0, 20_000);
    const released = [stays, killed, frozen].map(releasedBy);
    const lateness = consumer.takeLateness();
    console.info(
      `due work of 3 gateways: ${shares.join('/')} shards, ${released.join('/')} messages; ${late(lateness)}`,
    );
    expect(released.reduce((sum, count) => sum + count, 0)).toBe(3_000);
    for (const count of released) expect(count).toBeGreaterThan(700);
    expect(lateness[0]).toBeGreaterThanOrEqual(0);
    expect(consumer.checker.report).toMatchObject({ published: 3_000, acked: 3_000, duplicated: 0, afterAck: 0 });
  });

  test('when one is killed, its shards move to the others, and nothing is lost or later than that', async () => {
    await sharing(10_000, stays, killed, frozen);
    const start = Date.now() + 1_000;
    await consumer.schedule(client, 3_000, start, start + 4_000);
    const before = consumer.checker.report.duplicated;
    await delay(start + 1_000 - Date.now());
    await killed.kill();
    const at = performance.now();
    const shares = await sharing(MOVED_MS + SLACK_MS, stays, frozen);
    const moved = Math.round(performance.now() - at);
    await consumer.checker.until(({ lost }) => lost === 0, 20_000);
    const { report } = consumer.checker;
    const lateness = consumer.takeLateness();
    console.info(
      `killed one of 3 gateways: its shards moved after ${moved} ms to ${shares.join('/')}; ${late(lateness)}; ` +
        `lost ${report.lost}, duplicated ${report.duplicated - before}`,
    );
    expect(lateness.at(-1)).toBeLessThan(MOVED_MS + SLACK_MS);
    expect(lateness[0]).toBeGreaterThanOrEqual(0);
    expect(report.afterAck).toBe(0);
  });

  test('one that joins gets its share', async () => {
    const at = performance.now();
    await killed.start();
    const shares = await sharing(LOCK_MS + SLACK_MS, stays, killed, frozen);
    console.info(`a third gateway started: ${shares.join('/')} shards after ${Math.round(performance.now() - at)} ms`);
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(20);
  });

  test('one that was frozen past its locks claims nothing with its old fencing tokens', async () => {
    const space = spaceOf(group);
    await sharing(10_000, stays, killed, frozen);
    const held = shardsOf(frozen);
    const start = Date.now() + 1_500;
    await consumer.schedule(client, 900, start, start + 5_000);
    const before = await fencesIn(space);
    const released = [stays, killed, frozen].map(releasedBy);
    frozen.pause();
    await sharing(MOVED_MS + SLACK_MS, stays, killed);
    // The ledger learns of a new token by the first claim with it.
    const old = await until(async () => {
      const moved = await fencesIn(space);
      const raised = before.filter(({ shard, fence }) => moved.some((now) => now.shard === shard && now.fence > fence));
      if (raised.length < 20) throw new Error(`the ledger knows new tokens of ${raised.length} shards`);
      return raised;
    }, SLACK_MS);
    await delay(start + 3_500 - Date.now());
    const woken = Date.now();
    frozen.resume();
    await consumer.checker.until(({ lost }) => lost === 0, 20_000);
    await sharing(LOCK_MS + SLACK_MS, stays, killed, frozen);
    const lateness = consumer.takeLateness();
    const shares = [stays, killed, frozen].map((gateway, i) => releasedBy(gateway) - (released[i] ?? 0));
    console.info(`froze one of 3 gateways: ${held} shards moved, ${shares.join('/')} messages; ${late(lateness)}`);
    // No message was published twice, but for what was on its way when the gateway froze.
    const onItsWay = releasesOf(frozen).filter(({ claimedAt, endedAt }) => claimedAt < woken && endedAt >= woken);
    const twice = shares.reduce((sum, count) => sum + count, 0) - 900;
    expect(twice).toBeGreaterThanOrEqual(0);
    expect(twice).toBeLessThanOrEqual(onItsWay.reduce((sum, { published }) => sum + published, 0));
    const lost = linesOf(frozen, 'locks of shards have run out').find(
      ({ at, fields }) => at >= woken && fields.job === 'due',
    );
    const early = releasesOf(frozen).filter(
      ({ claimedAt }) => claimedAt >= woken && claimedAt < (lost?.at ?? Number.POSITIVE_INFINITY),
    );
    expect(early).toEqual([]);
    expect(lateness.at(-1)).toBeLessThan(MOVED_MS + SLACK_MS);
    expect(consumer.checker.report).toMatchObject({ lost: 0, afterAck: 0 });

    // The same by hand: what waits in these shards is there for whoever has their tokens of now, and not with the old ones.
    const messages = Array.from({ length: 200 }, () => ({ topic: 'later', delayMs: HOUR_MS }));
    await client.publish(messages);
    const then = Date.now() + HOUR_MS;
    expect(await claimWith(space, old, then)).toBe(0);
    const numbers = new Set(old.map(({ shard }) => shard));
    const present = (await fencesIn(space)).filter(({ shard }) => numbers.has(shard));
    expect(await claimWith(space, present, then)).toBeGreaterThan(0);
  });
});

function late(lateness: readonly number[]): string {
  const at = (share: number) => lateness[Math.min(lateness.length - 1, Math.floor(lateness.length * share))] ?? 0;
  return `late by ${at(0.5)} ms (median), ${at(0.99)} ms (99 %), ${at(1)} ms (most)`;
}

function spaceOf({ space }: GatewayGroup): ClusterSpace {
  if (space === undefined) throw new Error('gateways of the embedded engine share nothing');
  return space;
}
