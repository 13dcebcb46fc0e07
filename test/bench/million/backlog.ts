import type { Bus } from '@waybill/sdk';
import { Lateness, type LatenessFigures } from '../lateness.js';
import { atRate } from '../pace.js';
import { RollCall } from '../roll-call.js';
import { Drain, makeChannel, openBus, perSecond, publishAll, type Stage } from './stage.js';

const TOPIC = 'backlog';
const LIVE = 'live';
const CHANNEL = 'work';
const IDLE_CONNECTIONS = 8;
const IDLE_TOPICS = 20;
const IDLE_CHANNELS = 5;
const IDLE_CREDIT = 100;

export interface BacklogFigures {
  readonly insertRate: number;
  /** Resident memory with the backlog in the broker and the idle subscribers attached. */
  readonly rssMb: number;
  readonly drainRate: number;
  /** From publish to handler, of a steady flow beside the drain. */
  readonly live: LatenessFigures;
  readonly lost: number;
  readonly duplicated: number;
}

/** Publishes a backlog that nobody consumes, in front of idle subscribers of other channels; then drains it. */
export async function backlog(stage: Stage): Promise<BacklogFigures> {
  const { plan, watch, say, name } = stage;
  const idle = await attachIdle(stage);
  await watch.mark(`${plan.idleSubscribers} idle subscribers attached`);
  try {
    await makeChannel(stage, TOPIC, CHANNEL);
    const roll = new RollCall(`${name}-b`, plan.messages);
    const insertRate = await publishAll(stage, TOPIC, 'accepted', (number) => ({ id: roll.id(number) }));
    const { rssMb } = await watch.mark('backlog published');
    say(`backlog: ${plan.messages} messages published, ${Math.round(insertRate)}/s; RSS ${rssMb.toFixed(0)} MB`);
    const drained = await drainBeside(stage, roll);
    await watch.mark('backlog drained');
    say(`backlog: drained, ${Math.round(drained.drainRate)}/s`);
    return { insertRate, rssMb, ...drained, lost: roll.lost, duplicated: roll.duplicated };
  } finally {
    await Promise.all(idle.map((bus) => bus.close()));
  }
}

/** Drains the backlog while a live flow of another topic goes on. */
async function drainBeside(stage: Stage, roll: RollCall): Promise<{ drainRate: number; live: LatenessFigures }> {
  const { bus, body, plan } = stage;
  const delays = new Lateness();
  const sentAt: number[] = [];
  const live = new RollCall(`${stage.name}-l`, 100_000_000 / 1_000);
  const liveDrain = await Drain.start(stage, LIVE, CHANNEL, ({ id }) => delays.came(sentAt[live.came(id)] ?? 0));
  const from = performance.now();
  const drain = await Drain.start(stage, TOPIC, CHANNEL, ({ id }) => void roll.came(id));
  let failure: unknown;
  const flow = atRate(
    plan.liveRate,
    Number.POSITIVE_INFINITY,
    (number) => {
      sentAt.push(Date.now());
      bus.publish(LIVE, body, { id: live.id(number) }).catch((error: unknown) => {
        failure ??= error;
      });
    },
    () => roll.lost > 0 && failure === undefined,
  );
  await drain.until(() => roll.lost === 0);
  const drainRate = perSecond(plan.messages, from, drain.lastAt);
  const sent = await flow;
  if (failure !== undefined) throw failure;
  await liveDrain.until(() => live.distinct >= sent);
  await Promise.all([drain.stop(), liveDrain.stop()]);
  return { drainRate, live: delays.take() };
}

/** Subscribers with credit that never get anything, over few connections. */
async function attachIdle({ plan, subject }: Stage): Promise<Bus[]> {
  const buses = await Promise.all(Array.from({ length: IDLE_CONNECTIONS }, () => openBus(subject)));
  const subscriptions = Array.from({ length: plan.idleSubscribers }, (_, n) => {
    const place = n % (IDLE_TOPICS * IDLE_CHANNELS);
    const topic = `idle-${place % IDLE_TOPICS}`;
    const channel = `channel-${Math.floor(place / IDLE_TOPICS)}`;
    const bus = buses[n % IDLE_CONNECTIONS];
    return bus?.subscribe(topic, channel, () => {}, { credit: IDLE_CREDIT });
  });
  await Promise.all(subscriptions.map((subscription) => subscription?.ready));
  return buses;
}
