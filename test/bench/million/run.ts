import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Mark, type Subject, Watch } from '../watch.js';
import { type BacklogFigures, backlog } from './backlog.js';
import { type Plan, planOf } from './plan.js';
import { type ScheduleFigures, schedule } from './schedule.js';
import { openBus } from './stage.js';

/** Idle in the end, so that what was only on its way is gone. */
const REST_MS = 5_000;

export interface MillionFigures {
  readonly plan: Plan;
  readonly backlog: BacklogFigures;
  readonly schedule: ScheduleFigures;
  /** The most database connections that the gateway held. */
  readonly connections: number;
  readonly peakMb: number;
  readonly marks: readonly Mark[];
}

/** A backlog and a schedule of so many messages on one gateway of the cluster engine; everything is delivered in the end. */
export async function million(
  subject: Subject,
  messages: number,
  say: (line: string) => void,
): Promise<MillionFigures> {
  const plan = planOf(messages);
  const watch = await Watch.start(subject);
  const bus = await openBus(subject);
  try {
    const name = `m${randomBytes(4).toString('hex')}`;
    const stage = { subject, watch, plan, bus, name, say, body: Buffer.alloc(plan.bodyBytes, 'A') };
    await watch.mark('started');
    const first = await backlog(stage);
    const second = await schedule(stage);
    await delay(REST_MS);
    await watch.mark('at rest');
    const { connections, peakMb, marks } = watch;
    return { plan, backlog: first, schedule: second, connections, peakMb, marks };
  } finally {
    await bus.close();
    await watch.stop();
  }
}
