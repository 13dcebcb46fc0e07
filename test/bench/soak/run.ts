import { randomBytes } from 'node:crypto';
import { connect } from '@waybill/sdk';
import type { LatenessFigures } from '../lateness.js';
import { atRate } from '../pace.js';
import { type Subject, Watch } from '../watch.js';
import { Traffic } from './traffic.js';

export interface SoakPlan {
  readonly durationMs: number;
  readonly periodMs: number;
  /** Messages a second. */
  readonly rate: number;
  readonly bodyBytes: number;
}

export interface Period {
  readonly atSeconds: number;
  readonly publishRate: number;
  readonly ackRate: number;
  readonly lateness: LatenessFigures;
  /** Published and not acked yet, at its end. */
  readonly open: number;
  /** Since the start. */
  readonly duplicated: number;
  readonly rssMb: number;
  readonly connections: number;
}

export interface SoakFigures {
  readonly plan: SoakPlan;
  readonly periods: readonly Period[];
  readonly published: number;
  readonly acked: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly early: number;
  /** The most at once. */
  readonly connections: number;
}

/** Keeps a gateway busy with a steady mix; `told` is called with every period as it ends. */
export async function soak(subject: Subject, plan: SoakPlan, told: (period: Period) => void): Promise<SoakFigures> {
  const watch = await Watch.start(subject);
  const bus = await connect({ url: subject.url });
  try {
    const name = `s${randomBytes(4).toString('hex')}`;
    const traffic = await Traffic.start(bus, name, Buffer.alloc(plan.bodyBytes, 'A'));
    const periods = await play(traffic, watch, plan, told);
    const lost = await traffic.finish();
    if (traffic.failure !== undefined) throw traffic.failure;
    const { published, acked, duplicated } = traffic;
    const early = periods.reduce((sum, { lateness }) => sum + lateness.early, traffic.lateness.take().early);
    return { plan, periods, published, acked, lost, duplicated, early, connections: watch.connections };
  } finally {
    await bus.close();
    await watch.stop();
  }
}

async function play(traffic: Traffic, watch: Watch, plan: SoakPlan, told: (period: Period) => void): Promise<Period[]> {
  const periods: Period[] = [];
  let number = 0;
  const from = performance.now();
  for (let n = 1; n <= Math.max(1, Math.round(plan.durationMs / plan.periodMs)); n++) {
    const begun = performance.now();
    const { published, acked } = traffic;
    const end = from + n * plan.periodMs;
    const unbroken = () => performance.now() < end && traffic.failure === undefined;
    await atRate(plan.rate, Number.POSITIVE_INFINITY, () => traffic.publish(number++), unbroken);
    if (traffic.failure !== undefined) break;
    const seconds = (performance.now() - begun) / 1_000;
    const { atSeconds, rssMb, connections } = await watch.mark(`period ${n}`);
    const period: Period = {
      atSeconds,
      publishRate: (traffic.published - published) / seconds,
      ackRate: (traffic.acked - acked) / seconds,
      lateness: traffic.lateness.take(),
      open: traffic.open,
      duplicated: traffic.duplicated,
      rssMb,
      connections,
    };
    periods.push(period);
    told(period);
  }
  return periods;
}
