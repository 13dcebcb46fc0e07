import { setTimeout as delay } from 'node:timers/promises';
import type { Gateway } from '../../support/gateway.js';
import type { Service, ServiceName } from '../../support/services/service.js';
import { heals } from '../healing.js';
import { plainClient, refused } from '../refusals.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { Traffic } from '../traffic.js';
import { Witness } from '../witness.js';

/** However long a service is away. */
const MOST_LINES = 500;
const ALL = ['rabbitmq', 'mysql', 'redis'] as const;

export const rabbitmqStopped = stopped('rabbitmq-stopped', 'RabbitMQ stopped, and started again under load', [
  'rabbitmq',
]);
export const mysqlStopped = stopped('mysql-stopped', 'MySQL stopped, and started again under load', ['mysql']);
export const redisStopped = stopped('redis-stopped', 'Redis stopped, and started again, empty, under load', ['redis']);
export const allStopped = stopped('all-stopped', 'All three services stopped, and started again under load', ALL);

function stopped(name: string, title: string, away: readonly ServiceName[]): Scenario {
  return {
    name,
    title,
    engines: ['cluster'],
    async play(stage) {
      const services = await Promise.all(away.map((service) => stage.borrow(service)));
      const urls = Object.fromEntries(services.map(({ url }, i) => [away[i], url]));
      const gateway = await stage.gateway({ DLMExpiration: 1 }, urls);
      const witness = Witness.of(stage, gateway);
      const traffic = await Traffic.start(stage, [gateway.rpcUrl], { mix: { delayed: 0.1, nacked: 0.1 } });
      await traffic.flows(stage.pick(5_000, 500));
      const said = lines(gateway);
      await each(services, (service) => service.stop());
      await Promise.all([
        delay(stage.pick(60_000, 4_000)),
        witness.says(away),
        degradesHonestly(stage, gateway, traffic, away),
      ]);
      if (lines(gateway) - said > MOST_LINES) throw new Error(`the log grew by ${lines(gateway) - said} lines`);
      await each(services, (service) => service.start());
      return heals(stage, traffic, witness);
    },
  };
}

/** Guarantee 8. */
async function degradesHonestly(
  stage: Stage,
  gateway: Gateway,
  traffic: Traffic,
  away: readonly ServiceName[],
): Promise<void> {
  const client = plainClient(stage, gateway);
  const checks: Promise<unknown>[] = [];
  if (away.includes('rabbitmq')) checks.push(waitsToItsDeadline(() => refused(client, { topic: 'aside' }, 2_000)));
  else checks.push(traffic.flows(500, 20_000));
  if (away.includes('mysql')) checks.push(refused(client, { topic: 'aside', delayMs: 1_000 }, 2_000));
  if (away.join() === 'redis') checks.push(settles(traffic));
  await Promise.all(checks);
}

async function waitsToItsDeadline(refusal: () => Promise<number>): Promise<void> {
  const took = await refusal();
  if (took < 1_500) throw new Error(`RabbitMQ is away, and a publish of 2000 ms waited for ${took} ms alone`);
}

async function settles({ checker }: Traffic): Promise<void> {
  const { acked } = checker.report;
  await checker.until((report) => report.acked > acked + 500, 20_000);
}

function lines(gateway: Gateway): number {
  return gateway.log().split('\n').length;
}

async function each(services: readonly Service[], work: (service: Service) => Promise<void>): Promise<void> {
  await Promise.all(services.map(work));
}
