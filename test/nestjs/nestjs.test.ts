import { type INestMicroservice, Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Admin } from '@waybill/proto/waybill/v1/admin';
import { type Bus, connect, DeadlineError, ReplyError } from '@waybill/sdk';
import {
  WAYBILL_BUS,
  WaybillClient,
  WaybillHealthIndicator,
  WaybillModule,
  WaybillRecord,
  WaybillServer,
} from '@waybill/sdk/nestjs';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AdminClient } from '../support/admin-client.js';
import { atTestEnd } from '../support/cleanup.js';
import { type Engine, type GatewayGroup, gatewayGroup, startGateway } from '../support/gateway.js';
import { until } from '../support/until.js';
import { applicationWith, gates, seen } from './application.js';

Logger.overrideLogger(false);

const engines: Engine[] = ['embedded', 'cluster'];
const LIMIT_MS = 20_000;

beforeEach(() => {
  seen.length = 0;
});

/** A microservice whose strategy is the module's own server. */
async function microservice(url: string): Promise<INestMicroservice> {
  const module = WaybillModule.forRootAsync({
    useFactory: async () => ({ connect: { url }, channel: 'billing', stopTimeout: '20s' }),
  });
  return NestFactory.createMicroservice<AsyncMicroserviceOptions>(applicationWith([module, TerminusModule]), {
    useFactory: (server: WaybillServer) => ({ strategy: server }),
    inject: [WaybillServer],
  });
}

function has(...lines: unknown[]): Promise<void> {
  return until(async () => expect(seen).toEqual(expect.arrayContaining(lines)), LIMIT_MS);
}

describe.each(engines)('a Nest application on the %s engine', (engine) => {
  let group: GatewayGroup;
  let url: string;
  let app: INestMicroservice;
  let bus: Bus;
  let client: WaybillClient;
  let admin: AdminClient;

  beforeAll(async () => {
    group = await gatewayGroup(engine);
    url = (await group.start()).rpcUrl;
    app = await microservice(url);
    await app.listen();
    bus = app.get<Bus>(WAYBILL_BUS);
    client = app.get(WaybillClient);
    admin = new AdminClient(url);
  });

  afterAll(async () => {
    admin?.close();
    await app?.close();
    await group?.remove();
  });

  const dead = async (topic: string) => {
    const { dead } = await admin.call(Admin.method.listDead, { query: { topic } });
    return dead.map(({ channel, reason, attempt }) => ({ channel, reason, attempt }));
  };

  test('handles an event once on each channel', async () => {
    const published = await firstValueFrom(client.emit('orders', { number: 7 }));
    expect(published).toEqual({ id: expect.any(String), outcome: 'accepted' });
    await has('charge {"number":7} 1', 'audit {"number":7} 1');
    expect(seen).toHaveLength(2);
  });

  test('tries an event again that failed, and leaves a dead letter with the reason', async () => {
    await bus.publish('orders', { number: 0 });
    await until(
      async () => expect(await dead('orders')).toContainEqual({ channel: 'billing', reason: 'not paid', attempt: 2 }),
      LIMIT_MS,
    );
    await has('charge {"number":0} 1', 'charge {"number":0} 2');
  });

  test('does what RetryAfter and UnrecoverableError say', async () => {
    await bus.publishMany('orders', [{ number: 1 }, { number: -1 }]);
    await has('charge {"number":1} 2');
    await until(
      async () =>
        expect(await dead('orders')).toContainEqual({ channel: 'billing', reason: 'no such order', attempt: 1 }),
      LIMIT_MS,
    );
    expect(seen).not.toContain('charge {"number":-1} 2');
  });

  test('does not call a handler for a payload that its schema refuses, nor for one that is not what it says', async () => {
    await bus.publish('orders', { number: 'seven' });
    await bus.publish('orders', '{', { headers: { 'content-type': 'application/json' } });
    await until(async () => {
      const letters = await dead('orders');
      expect(letters).toContainEqual({
        channel: 'audit',
        reason: expect.stringMatching(/^invalid payload: value\.number: /),
        attempt: 1,
      });
      expect(letters).toContainEqual({ channel: 'audit', reason: 'invalid payload: it is no JSON', attempt: 1 });
      expect(letters).toContainEqual({ channel: 'billing', reason: 'invalid payload: it is no JSON', attempt: 1 });
    }, LIMIT_MS);
    expect(seen.filter((line) => line.startsWith('audit'))).toEqual([]);
  });

  test('settles by hand, on a pattern of topics', async () => {
    await bus.publish('reports.daily', 'today');
    await has('report reports.daily billing "today" 1', 'report reports.daily billing "today" 2');
  });

  test('answers a request of its own client', async () => {
    expect(await firstValueFrom(client.send('prices', 'apple'))).toEqual({ price: 5 });
    expect(await firstValueFrom(client.send('prices.many', 3))).toBe(3);
    expect(await firstValueFrom(client.send('bytes', Buffer.from([1, 2, 3])))).toEqual(Buffer.from([3, 2, 1]));
    expect(await lastValueFrom(client.send('nothing', {}).pipe(toArray()))).toEqual([undefined]);
  });

  test('answers a request of a client that knows no Nest', async () => {
    const plain = await connect(url);
    atTestEnd(() => plain.close());
    const reply = await plain.request('prices', 'banana');
    expect(reply.json()).toEqual({ price: 6 });
    await expect(plain.request('prices', 'stone')).rejects.toMatchObject({
      name: 'ReplyError',
      message: 'no such fruit',
      details: { asked: 'stone' },
    });
  });

  test('answers with an error as its exception filters made it, and does not try again', async () => {
    await expect(firstValueFrom(client.send('prices', 'stone'))).rejects.toEqual({
      status: 'error',
      message: 'no such fruit',
      asked: 'stone',
    });
    await expect(firstValueFrom(client.send('prices', 'fault'))).rejects.toEqual({
      status: 'error',
      message: 'Internal server error',
    });
    await expect(firstValueFrom(client.send('prices', 'never'))).rejects.toThrow(ReplyError);
    await until(
      async () => expect(await dead('prices')).toEqual([{ channel: 'billing', reason: 'never had it', attempt: 1 }]),
      LIMIT_MS,
    );
  });

  test('answers later when the handler asks for another try', async () => {
    expect(await firstValueFrom(client.send('prices.later', 'apple'))).toBe('attempt 2');
  });

  test('gives up a request that nobody answers', async () => {
    const asked = client.send('nobody.there', new WaybillRecord('?', { timeout: 50 }));
    await expect(firstValueFrom(asked)).rejects.toThrow(DeadlineError);
  });

  test('publishes with options', async () => {
    const message = new WaybillRecord({ number: 8 }, { id: 'order-8', key: 'customer-1', headers: { source: 'shop' } });
    expect(await firstValueFrom(client.emit('orders', message))).toMatchObject({ id: 'order-8' });
    expect(await firstValueFrom(client.emit('orders', message))).toEqual({ id: 'order-8', outcome: 'duplicate' });
    await has('charge {"number":8} 1');
  });

  test('tells terminus how the bus is', async () => {
    const health = app.get(HealthCheckService);
    const indicator = app.get(WaybillHealthIndicator);
    const { status, details } = await health.check([() => indicator.isHealthy('waybill')]);
    expect({ status, details }).toEqual({ status: 'ok', details: { waybill: { status: 'up' } } });
  });
});

test.each(engines)(
  'a Nest application that stops lets handlers finish, and their messages do not come again (%s)',
  async (engine) => {
    const group = await gatewayGroup(engine);
    const { rpcUrl } = await group.start();
    const app = await microservice(rpcUrl);
    await app.listen();
    let release: () => void = () => {};
    gates.set(
      'first',
      new Promise((resolve) => {
        release = resolve;
      }),
    );
    const plain = await connect(rpcUrl);
    atTestEnd(() => plain.close());
    await plain.publish('slow', 'first');
    await has('slow "first" 1');
    await plain.publish('slow', 'second');
    const closed = app.close();
    release();
    await closed;
    expect(seen).toEqual(['slow "first" 1', 'slow end "first" 1']);
    await expect(app.get<Bus>(WAYBILL_BUS).publish('slow', 'x')).rejects.toMatchObject({ reason: 'CLOSED' });

    const next = await microservice(rpcUrl);
    atTestEnd(() => next.close());
    await next.listen();
    await has(expect.stringMatching(/^slow end "second" /));
    expect(seen.filter((line) => line.includes('"first"'))).toHaveLength(2);
  },
);

test('a Nest application without a gateway is not healthy, and heals', async () => {
  const gateway = await startGateway('embedded');
  const app = await microservice(gateway.rpcUrl);
  atTestEnd(() => app.close());
  await app.listen();
  const health = app.get(HealthCheckService);
  const indicator = app.get(WaybillHealthIndicator);
  const check = () => health.check([() => indicator.isHealthy('waybill', { timeout: 500 })]);
  await gateway.stop();
  await expect(check()).rejects.toMatchObject({
    response: {
      status: 'error',
      error: { waybill: { status: 'down', message: expect.stringContaining('no gateway answers') } },
    },
  });
  await gateway.start();
  await until(async () => expect((await check()).status).toBe('ok'), LIMIT_MS);
  await app.get(WaybillClient).emit('orders', { number: 9 });
  await has('charge {"number":9} 1');
});
