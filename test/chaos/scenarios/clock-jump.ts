import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '@waybill/sdk';
import { BusClient } from '../../support/client.js';
import type { ConsumerStream } from '../../support/consumer-stream.js';
import { need, needNone } from '../need.js';
import type { Scenario } from '../scenario.js';
import { sum } from '../sum.js';
import { TimedConsumer } from '../timed-consumer.js';
import { Traffic } from '../traffic.js';
import { WallClock } from '../wall-clock.js';

const HOUR_MS = 3_600_000;
const WAIT_MS = 15_000;
const HELD = 50;

/**
 * What has a time is due by the wall clock that is in force: what was put off at the wrong time waits for that time. What lasts
 * (leases of consumers, locks) goes by the clock that nobody sets.
 */
export const clockJump: Scenario = {
  name: 'clock-jump',
  title:
    'the wall clock is set an hour forth, back, forth and back: nothing is early, nothing is stuck, no lease and no lock breaks',
  engines: ['embedded', 'cluster'],
  async play(stage) {
    const count = stage.pick(1_000, 200);
    const calm = stage.pick(15_000, 0);
    const wall = await WallClock.create(stage);
    const gateway = await stage.gateway({ MaxCredit: 1_000, ...wall.settings });
    const client = new BusClient(gateway.rpcUrl);
    stage.atEnd(async () => client.close());
    const bus = await connect({ url: gateway.rpcUrl });
    stage.atEnd(() => bus.close());
    const traffic = await Traffic.start(stage, [gateway.rpcUrl], { rate: 300 });
    const timed = await TimedConsumer.start(client, wall);
    const { stream, receipts } = await hold(client);
    const lock = await bus.lock('job', '15s');

    await timed.cameInTime(await timed.schedule(count, 500, 1_500), WAIT_MS);
    const inHalfAnHour = await timed.schedule(count, HOUR_MS / 2, HOUR_MS / 2);
    timed.haveNotCome(inHalfAnHour);

    wall.set(HOUR_MS);
    await timed.came(inHalfAnHour, WAIT_MS);
    await timed.cameInTime(await timed.schedule(count, 500, 1_500), WAIT_MS);
    await delay(calm);
    const wrong = await timed.schedule(count, 60_000, 60_000);

    wall.set(0);
    await timed.cameInTime(await timed.schedule(count, 500, 1_500), WAIT_MS);
    timed.haveNotCome(wrong);
    needNone(
      (await stream.ack(receipts)).filter((status) => status !== 'ok'),
      'a lease broke when the clock was set',
    );
    need(!lock.signal.aborted, 'a lock broke when the clock was set');
    await delay(calm);
    await lock.release();

    wall.set(HOUR_MS + 60_000);
    await timed.came(wrong, WAIT_MS);
    wall.set(0);
    const recovered = await traffic.recovered();
    await timed.cameInTime(await timed.schedule(count, 500, 1_500), WAIT_MS);
    timed.neverEarly();
    await timed.checker.until(({ lost }) => lost === 0, WAIT_MS);
    return sum(await traffic.finish(recovered), timed.checker.report);
  },
};

/** A consumer that has messages for all of the scenario, which is shorter than their leases. */
async function hold(client: BusClient): Promise<{ stream: ConsumerStream; receipts: string[] }> {
  const stream = await client.subscribe('held', 'workers', { credit: HELD, leaseSeconds: 300 });
  await client.publish(Array.from({ length: HELD }, () => ({ topic: 'held' })));
  const held = await stream.take(HELD);
  return { stream, receipts: held.map(({ receipt }) => receipt) };
}
