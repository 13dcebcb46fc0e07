import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { METRIC_NAMES, METRICS, OTHER } from '../../server/src/observability/metric-table.js';
import { runTool } from '../compat/tools.js';
import { TokenFile } from '../security/tokens.js';
import { BusClient } from '../support/client.js';
import { fixedRetry } from '../support/client-types.js';
import { type Engine, type Gateway, gatewayGroup, startGateway } from '../support/gateway.js';
import { tempFolder } from '../support/reaper.js';
import { ensureDebianPackages, startMariadb, startRabbit } from '../support/services.js';
import { until } from '../support/until.js';
import { Page } from './page.js';

beforeAll(() => ensureDebianPackages(['prometheus']), 600_000);

function clientOf(gateway: Gateway): BusClient {
  const client = new BusClient(gateway.rpcUrl);
  onTestFinished(() => client.close());
  return client;
}

/** Reads the page until it tells this. */
async function tells(gateway: Gateway, wanted: Readonly<Record<string, number>>): Promise<Page> {
  return until(async () => {
    const page = await Page.of(gateway.httpUrl);
    const told = Object.fromEntries(Object.keys(wanted).map((series) => [series, page.value(series)]));
    expect(told).toEqual(wanted);
    return page;
  }, 40_000);
}

describe.each<Engine>(['embedded', 'cluster'])('the metrics of the %s engine', (engine) => {
  test('tell what became of every message, by topic and channel', async () => {
    const gateway = await startGateway(engine);
    const client = clientOf(gateway);
    const topic = `t-${randomUUID()}`;
    const of = (name: string) => `waybill_${name}{topic="${topic}",channel="mail"}`;
    const consumer = await client.subscribe(topic, 'mail', { credit: 7, retry: fixedRetry(1) });
    await client.publish([
      { topic, body: 'one' },
      { topic, body: 'two' },
      { topic, body: 'three', delayMs: 50 },
    ]);
    const [one, two, three] = await consumer.take(3);
    await consumer.ack([one?.receipt ?? '']);
    await consumer.nack([two?.receipt ?? '', three?.receipt ?? ''], 0);
    const again = await consumer.take(2);
    await consumer.nack([again[0]?.receipt ?? ''], 0);
    await client.publishOne({ topic: `parked-${topic}` });
    const page = await tells(gateway, {
      [`waybill_messages_accepted_total{topic="${topic}"}`]: 3,
      waybill_messages_scheduled_total: 1,
      waybill_messages_parked_total: 1,
      [of('messages_delivered_total')]: 5,
      [of('messages_redelivered_total')]: 2,
      [of('messages_acked_total')]: 1,
      [of('messages_retried_total')]: 2,
      [of('messages_dead_total')]: 1,
      [of('in_flight_messages')]: 1,
      [of('consumers')]: 1,
      [of('consumer_credit_messages')]: 7,
      [of('dead_messages')]: 1,
      [of('ready_messages')]: 0,
      waybill_parked_messages: 1,
      waybill_streams: 1,
      waybill_publish_seconds_count: 4,
      waybill_settle_seconds_count: 4,
      waybill_ready: 1,
      waybill_shards_held: 64,
    });
    expect(page.value('waybill_due_lateness_seconds_count')).toBeGreaterThanOrEqual(1);
    expect(page.value('waybill_ledger_commit_entries_count')).toBe(page.value('waybill_ledger_commit_seconds_count'));
    expect(page.value('waybill_broker_confirm_seconds_bucket{le="+Inf"}')).toBe(
      page.value('waybill_broker_confirm_seconds_count'),
    );
    expect(page.value('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);
    expect(page.value('process_resident_memory_bytes')).toBeGreaterThan(0);
  });

  test('have a type and a help each, and stand the lint of promtool', async () => {
    const gateway = await startGateway(engine);
    const page = await Page.of(gateway.httpUrl);
    for (const name of METRIC_NAMES) {
      expect(page.types.get(name)).toBe(METRICS[name].type);
      expect(page.helps.get(name)).toBe(METRICS[name].help);
    }
    // What the library tells of the process is its own affair: some of its names are older than the rules.
    const own = page.text.split('\n\n').filter((block) => block.includes('# TYPE waybill_'));
    const file = join(gateway.folder, 'page.txt');
    writeFileSync(file, `${own.join('\n')}\n`);
    expect(await runTool('/bin/sh', ['-c', `promtool check metrics < ${file}`])).toBe('');
  });
});

test('what a limit refused is counted by its config key, and what was wrong by its reason', async () => {
  const gateway = await startGateway('embedded', { MaxSubscribersPerChannel: 1, MaxStreams: 2 });
  const client = clientOf(gateway);
  await client.subscribe('orders', 'mail');
  await expect(client.subscribe('orders', 'mail')).rejects.toThrow('MaxSubscribersPerChannel');
  await expect(client.publishOne({ topic: 'a b' })).rejects.toThrow('topic');
  await tells(gateway, {
    'waybill_limit_refused_total{limit="MaxSubscribersPerChannel"}': 1,
    'waybill_messages_refused_total{reason="OVERLOADED"}': 1,
    'waybill_messages_refused_total{reason="TOPIC_INVALID"}': 1,
  });
});

test('where clients are asked who they are, the page is for those who may see everything', async () => {
  const folder = tempFolder('metrics-tokens');
  onTestFinished(folder.remove);
  const tokens = new TokenFile(join(folder.path, 'tokens.json'));
  tokens.add('prometheus', { read: ['#'] });
  tokens.add('shop', { publish: ['orders'], consume: ['orders'], read: ['orders'] });
  tokens.write();
  const gateway = await startGateway('embedded', { Tokens: tokens.path });
  const get = async (token?: string) => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`${gateway.httpUrl}/metrics`, { headers });
    return { status: response.status, asks: response.headers.get('www-authenticate'), text: await response.text() };
  };
  expect(await get()).toMatchObject({ status: 401, asks: 'Bearer' });
  expect(await get('wb_wrong')).toMatchObject({ status: 401 });
  expect(await get(tokens.of('shop'))).toMatchObject({ status: 403 });
  const page = await get(tokens.of('prometheus'));
  expect(page).toMatchObject({ status: 200 });
  expect(new Page(page.text).value('waybill_ready')).toBe(1);
  for (const token of [undefined, 'wb_wrong', tokens.of('shop')])
    expect((await get(token)).text).not.toContain('waybill_');
});

test('topics and channels past the limit share one series, so that names cannot flood the store', async () => {
  const gateway = await startGateway('embedded', { MetricsMaxChannels: 2 });
  const client = clientOf(gateway);
  for (let i = 0; i < 20; i++) {
    const consumer = await client.subscribe(`t${i}`, 'mail');
    await client.publishOne({ topic: `t${i}` });
    await consumer.ack([(await consumer.next()).receipt]);
  }
  const page = await tells(gateway, {
    [`waybill_messages_accepted_total{topic="${OTHER}"}`]: 18,
    [`waybill_messages_acked_total{topic="${OTHER}",channel="${OTHER}"}`]: 18,
    [`waybill_consumers{topic="${OTHER}",channel="${OTHER}"}`]: 18,
    [`waybill_dead_messages{topic="${OTHER}",channel="${OTHER}"}`]: 0,
  });
  const topics = new Set(page.series.map((series) => /topic="([^"]*)"/.exec(series)?.[1]).filter(Boolean));
  expect([...topics].sort()).toEqual([OTHER, 't0', 't1']);
});

test('with RabbitMQ away, what waits in it is absent and the rest goes on; back, it is a connection more', {
  timeout: 180_000,
}, async () => {
  const rabbit = await startRabbit();
  const gateway = await (await gatewayGroup('cluster', { rabbitmq: rabbit.url })).start();
  const client = clientOf(gateway);
  await client.makeChannel('orders', 'mail');
  const up = { 'waybill_dependency_up{dependency="rabbitmq"}': 1, waybill_ready: 1 };
  await tells(gateway, {
    ...up,
    'waybill_ready_messages{topic="orders",channel="mail"}': 0,
    'waybill_dependency_connects_total{dependency="rabbitmq"}': 2,
  });
  await rabbit.kill();
  await until(async () => {
    const page = await Page.of(gateway.httpUrl);
    expect(page.value('waybill_dependency_up{dependency="rabbitmq"}')).toBe(0);
    expect(page.value('waybill_ready')).toBe(0);
    expect(page.value('waybill_ready_messages{topic="orders",channel="mail"}')).toBeUndefined();
    // MySQL still tells of dead letters, and is asked anew.
    expect(page.value('waybill_dead_messages{topic="orders",channel="mail"}')).toBe(0);
    expect(page.value('waybill_depths_age_seconds')).toBeLessThan(10);
  }, 30_000);
  await rabbit.start();
  await tells(gateway, { ...up, 'waybill_dependency_connects_total{dependency="rabbitmq"}': 4 });
});

test('with MySQL away, the page answers, and the depths say how old they are', { timeout: 120_000 }, async () => {
  const mysql = await startMariadb();
  const gateway = await (await gatewayGroup('cluster', { mysql: mysql.url })).start();
  await tells(gateway, { 'waybill_dependency_up{dependency="mysql"}': 1, waybill_parked_messages: 0 });
  await mysql.kill();
  await until(async () => {
    const page = await Page.of(gateway.httpUrl);
    expect(page.value('waybill_dependency_up{dependency="mysql"}')).toBe(0);
    expect(page.value('waybill_depths_age_seconds')).toBeGreaterThan(6);
    expect(page.value('waybill_parked_messages')).toBe(0);
  }, 40_000);
});
