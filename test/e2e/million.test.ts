import { expect, test } from 'vitest';
import { SETTINGS } from '../../server/src/config/schema.js';
import { faults } from '../bench/million/report.js';
import { million } from '../bench/million/run.js';
import { planOfSoak, soakFaults } from '../bench/soak/report.js';
import { soak } from '../bench/soak/run.js';
import type { Subject } from '../bench/watch.js';
import { gatewayGroup } from '../support/gateway.js';

/** The bench does a million of each. How long anything takes is its affair; that nothing is lost is a test's. */
const MESSAGES = 20_000;
const SOAK_MS = 8_000;
const CONNECTIONS = SETTINGS.BackConsumerGoroutineNum.default;

async function subject(): Promise<Subject> {
  const group = await gatewayGroup('cluster');
  const { rpcUrl, pid } = await group.start();
  if (pid === undefined || group.space === undefined) throw new Error('no gateway runs');
  return { url: rpcUrl, pid, databaseUrl: group.space.databaseUrl };
}

const silent = () => {};

test(`of a backlog and a schedule of ${MESSAGES} messages none is lost, none is early, and the database connections are bounded`, async () => {
  const figures = await million(await subject(), MESSAGES, silent);
  expect(faults(figures, CONNECTIONS)).toEqual([]);
  const { backlog, schedule, plan } = figures;
  expect(backlog.lost + backlog.duplicated + schedule.lost + schedule.duplicated + schedule.early).toBe(0);
  expect(schedule.dueMessages).toBe(plan.dueRate * plan.dueSeconds);
}, 240_000);

test('of a steady mix of acks, nacks and delays nothing is lost, nothing is early, and nothing comes twice', async () => {
  const periods: number[] = [];
  const figures = await soak(await subject(), planOfSoak(SOAK_MS), ({ atSeconds }) => periods.push(atSeconds));
  expect(soakFaults(figures, CONNECTIONS)).toEqual([]);
  expect(figures.acked).toBe(figures.published);
  expect(figures.duplicated).toBe(0);
  expect(periods).toHaveLength(figures.periods.length);
  expect(figures.periods.at(-1)?.rssMb).toBeGreaterThan(0);
}, 120_000);
