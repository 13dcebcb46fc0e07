import { setTimeout as delay } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { Lateness, type LatenessFigures } from '../lateness.js';
import { atRate } from '../pace.js';
import { RollCall } from '../roll-call.js';
import { Drain, perSecond, publishAll, type Stage } from './stage.js';

const TOPIC = 'later';
const CHANNEL = 'work';
const FAR_MS = 24 * 3_600_000;
/** How far ahead the steady flow is due when it is published. */
const AHEAD_MS = 5_000;
/** Rows whose due time is moved by one statement. */
const MOVE_ROWS = 10_000;

export interface ScheduleFigures {
  readonly insertRate: number;
  /** Of the steady flow, with all others pending. */
  readonly lateness: LatenessFigures;
  readonly dueRate: number;
  readonly dueMessages: number;
  /** Once all that was pending is due: delivered and acked a second. */
  readonly releaseRate: number;
  /** All that came before its time, in either part. */
  readonly early: number;
  readonly lost: number;
  readonly duplicated: number;
}

/** Schedules messages far ahead, measures how late others come meanwhile, then makes all due at one moment. */
export async function schedule(stage: Stage): Promise<ScheduleFigures> {
  const { plan, watch, say, name } = stage;
  const pending = new RollCall(`${name}-p`, plan.messages);
  const flowing = new RollCall(`${name}-d`, plan.dueRate * plan.dueSeconds);
  const late = new Lateness();
  const dueAt: number[] = [];
  let allDueAt = Date.now() + FAR_MS;
  const wall = new Lateness();
  const drain = await Drain.start(stage, TOPIC, CHANNEL, ({ id }) => {
    if (id.startsWith(`${name}-d`)) late.came(dueAt[flowing.came(id)] ?? Number.POSITIVE_INFINITY);
    else {
      pending.came(id);
      wall.came(allDueAt);
    }
  });
  const at = new Date(allDueAt);
  const insertRate = await publishAll(stage, TOPIC, 'scheduled', (number) => ({ id: pending.id(number), at }));
  await watch.mark('schedule inserted');
  say(`schedule: ${plan.messages} messages scheduled, ${Math.round(insertRate)}/s`);

  await flow(stage, flowing, dueAt);
  await drain.until(() => flowing.lost === 0);
  const lateness = late.take();
  await watch.mark(`${plan.dueRate} due a second`);
  say(`schedule: ${plan.dueRate} due/s for ${plan.dueSeconds} s, lateness p99 ${lateness.p99.toFixed(0)} ms`);

  const moveMs = 3_000 + plan.messages / 15;
  allDueAt = Math.ceil(Date.now() + moveMs);
  await makeDue(stage, pending, allDueAt);
  await delay(Math.max(0, allDueAt - Date.now()));
  const from = performance.now();
  await drain.until(() => pending.lost === 0);
  const releaseRate = perSecond(plan.messages, from, drain.lastAt);
  await watch.mark('schedule released');
  say(`schedule: all due at one moment, ${Math.round(releaseRate)}/s released`);
  await drain.stop();
  return {
    insertRate,
    lateness,
    dueRate: plan.dueRate,
    dueMessages: plan.dueRate * plan.dueSeconds,
    releaseRate,
    early: lateness.early + wall.take().early,
    lost: pending.lost + flowing.lost,
    duplicated: pending.duplicated + flowing.duplicated,
  };
}

async function flow({ bus, body, plan }: Stage, roll: RollCall, dueAt: number[]): Promise<void> {
  const publishes: Promise<unknown>[] = [];
  await atRate(plan.dueRate, plan.dueSeconds, (number) => {
    const due = Date.now() + AHEAD_MS;
    dueAt.push(due);
    publishes.push(bus.publish(TOPIC, body, { id: roll.id(number), at: new Date(due) }));
  });
  await Promise.all(publishes);
}

/** In the database itself, which is as if the clock had come to it: no client could ask for it a message at a time in a moment. */
async function makeDue({ subject, plan }: Stage, roll: RollCall, dueAt: number): Promise<void> {
  const url = new URL(subject.databaseUrl);
  const name = url.pathname.slice(1);
  // Without a database of its own, this connection does not count as the gateway's.
  url.pathname = '';
  const database = await createConnection(url.href);
  try {
    for (let number = 0; number < plan.messages; number += MOVE_ROWS) {
      const last = roll.id(Math.min(plan.messages, number + MOVE_ROWS) - 1);
      await database.query(
        `UPDATE ${name}.schedule SET due_at = ${dueAt}, ready_at = ${dueAt}
         WHERE channel_id = 0 AND topic_id = (SELECT id FROM ${name}.topics WHERE name = '${TOPIC}')
           AND message_id BETWEEN '${roll.id(number)}' AND '${last}'`,
      );
    }
  } finally {
    await database.end();
  }
}
