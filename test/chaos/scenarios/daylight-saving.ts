import { BusClient } from '../../support/client.js';
import type { Outcome, Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { sum } from '../sum.js';
import { TimedConsumer } from '../timed-consumer.js';
import { WallClock } from '../wall-clock.js';

const ZONE = 'Europe/Berlin';
/** When clocks there go an hour forth, and an hour back. */
const CHANGES = [Date.UTC(2026, 2, 29, 1), Date.UTC(2026, 9, 25, 1)] as const;
/** For the start of a gateway. */
const BEFORE_MS = 60_000;
const WAIT_MS = 30_000;

/** Times are Unix milliseconds everywhere: nothing may move when people set their clocks. */
export const daylightSaving: Scenario = {
  name: 'daylight-saving',
  title: 'delayed messages over the hour that a time zone skips, and the one that it has twice: none moves',
  engines: ['embedded', 'cluster'],
  async play(stage) {
    const [spring, autumn] = await Promise.all(CHANGES.map((change) => over(stage, change)));
    if (spring === undefined || autumn === undefined) throw new Error('two changes are played');
    return sum(spring, autumn);
  },
};

async function over(stage: Stage, change: number): Promise<Outcome> {
  const aheadMs = stage.pick(20_000, 2_500);
  const wall = await WallClock.create(stage, change - BEFORE_MS - Date.now());
  const gateway = await stage.gateway({ TZ: ZONE, MaxCredit: 1_000, ...wall.settings });
  const client = new BusClient(gateway.rpcUrl);
  stage.atEnd(async () => client.close());
  const timed = await TimedConsumer.start(client, wall);
  wall.set(change - aheadMs - Date.now());
  const ids = await timed.schedule(stage.pick(1_000, 300), 500, 2 * aheadMs);
  await timed.cameInTime(ids, 2 * aheadMs + WAIT_MS);
  timed.neverEarly();
  await timed.checker.until(({ lost }) => lost === 0, WAIT_MS);
  return { ...timed.checker.report, recoveredSeconds: null };
}
