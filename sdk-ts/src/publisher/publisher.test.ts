import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bus } from '../bus.js';
import { connect } from '../connect.js';
import { ClosedError, PublishManyError } from '../errors.js';
import { TestingGateway } from '../fixture/gateway.js';
import type { ConnectOptions } from '../options.js';

let gateway: TestingGateway;
const buses: Bus[] = [];

async function open(options: ConnectOptions = {}): Promise<Bus> {
  const bus = await connect({ url: gateway.url, ...options });
  buses.push(bus);
  return bus;
}

function idsOf(request: number): string[] {
  return (gateway.publishes[request] ?? []).map((message) => message.id);
}

beforeEach(async () => {
  gateway = await new TestingGateway().start();
});

afterEach(async () => {
  await Promise.all(buses.splice(0).map((bus) => bus.close({ timeout: 0 })));
  gateway.stop();
});

describe('publish', () => {
  it('resolves with the id and the outcome', async () => {
    const bus = await open();
    gateway.store.channel('orders', 'billing');
    expect(await bus.publish('orders', 'a', { id: 'own' })).toEqual({ id: 'own', outcome: 'accepted' });
    expect(await bus.publish('orders', 'a', { id: 'own' })).toEqual({ id: 'own', outcome: 'duplicate' });
    expect(await bus.publish('nobody', 'a')).toMatchObject({ outcome: 'parked' });
    expect(await bus.publish('orders', 'a', { delay: '1h' })).toMatchObject({ outcome: 'scheduled' });
  });

  it('sends what is published at the same time as one request, in order, with ids of one batch', async () => {
    const bus = await open();
    await Promise.all(Array.from({ length: 500 }, (_, n) => bus.publish('orders', String(n))));
    expect(gateway.publishes).toHaveLength(1);
    expect(gateway.publishes[0]?.map((message) => message.body)).toEqual(
      Array.from({ length: 500 }, (_, n) => String(n)),
    );
    const ids = idsOf(0);
    expect(new Set(ids.map((id) => id.slice(0, 32))).size).toBe(1);
    expect(new Set(ids).size).toBe(500);
  });

  it('keeps to the limits of a batch, and sends a larger message alone', async () => {
    const bus = await open({ batch: { messages: 3, bytes: 1_000 } });
    const bodies = ['a', 'b', 'c', 'd', 'x'.repeat(5_000), 'e'];
    await bus.publishMany('orders', bodies);
    expect(gateway.publishes.map((request) => request.map((message) => message.body[0]))).toEqual([
      ['a', 'b', 'c'],
      ['d'],
      ['x'],
      ['e'],
    ]);
  });

  it('sends no more than may be in flight, and goes on as answers come', async () => {
    const bus = await open({ maxInFlight: 10, batch: { messages: 4 } });
    gateway.muted = true;
    const all = Promise.all(Array.from({ length: 25 }, () => bus.publish('orders', 'a')));
    await gateway.until(() => gateway.publishes.flat().length === 10);
    await new Promise((resolve) => setImmediate(resolve));
    expect(gateway.publishes.map((request) => request.length)).toEqual([4, 4, 2]);
    gateway.unmute();
    await all;
    expect(gateway.publishes.flat()).toHaveLength(25);
  });

  it('bounds the bytes in flight', async () => {
    const bus = await open({ maxInFlightBytes: 10_000, batch: { messages: 1 } });
    gateway.muted = true;
    const all = Promise.all(Array.from({ length: 10 }, () => bus.publish('orders', 'x'.repeat(4_000))));
    await gateway.until(() => gateway.publishes.length === 3);
    await new Promise((resolve) => setImmediate(resolve));
    expect(gateway.publishes).toHaveLength(3);
    gateway.unmute();
    await all;
  });

  it('refuses more than may be pending, and publishMany waits for room instead', async () => {
    const bus = await open({ maxPending: 300 });
    gateway.muted = true;
    const calls = Array.from({ length: 301 }, () => bus.publish('orders', 'a'));
    await expect(calls[300]).rejects.toMatchObject({
      name: 'OverloadedError',
      reason: 'CLIENT_OVERLOADED',
      retryable: true,
    });
    gateway.unmute();
    await Promise.all(calls.slice(0, 300));
    expect(
      await bus.publishMany(
        'orders',
        Array.from({ length: 1_000 }, () => 'a'),
      ),
    ).toHaveLength(1_000);
  });

  it('sends what a broken stream left unanswered again, first, under the same ids, and settles each call once', async () => {
    const bus = await open();
    gateway.muted = true;
    const before = Promise.all(['a', 'b', 'c'].map((body) => bus.publish('orders', body)));
    await gateway.until(() => gateway.publishes.length === 1);
    gateway.forget();
    gateway.breakPublishStreams();
    const after = bus.publish('orders', 'd');
    gateway.muted = false;
    const settled = await before;
    await after;
    expect(settled.map((published) => published.id)).toEqual(idsOf(0));
    expect(settled.map((published) => published.outcome)).toEqual(['duplicate', 'duplicate', 'duplicate']);
    expect(
      gateway.publishes
        .slice(1)
        .flat()
        .map((message) => message.body),
    ).toEqual(['a', 'b', 'c', 'd']);
    expect(idsOf(1).slice(0, 3)).toEqual(idsOf(0));
    expect(gateway.store.accepted('orders')).toHaveLength(4);
  });

  it('loses and doubles nothing while the gateway goes away and comes back', async () => {
    const bus = await open();
    const calls: Promise<{ id: string }>[] = [];
    for (let round = 0; round < 4; round++) {
      for (let n = 0; n < 200; n++) calls.push(bus.publish('orders', `${round}.${n}`));
      await gateway.until(() => gateway.publishes.length > round);
      gateway.cut();
      await gateway.start();
    }
    const ids = (await Promise.all(calls)).map((published) => published.id);
    expect(new Set(ids).size).toBe(800);
    expect(new Set(gateway.store.accepted('orders'))).toEqual(new Set(ids));
  });

  it('tries messages that are refused for now again, while others go on', async () => {
    const bus = await open();
    let refusals = 0;
    gateway.refuse = ({ topic }) =>
      topic === 'later' && refusals++ < 2 ? { code: status.UNAVAILABLE, reason: 'LEDGER_UNAVAILABLE' } : undefined;
    const later = bus.publish('later', 'a');
    for (let n = 0; n < 5; n++) await bus.publish('now', 'b');
    expect(refusals).toBeLessThan(3);
    expect(await later).toMatchObject({ outcome: 'parked' });
    const ids = gateway.publishes.flat().filter((message) => message.topic === 'later');
    expect(new Set(ids.map((message) => message.id)).size).toBe(1);
  });

  it('rejects one message of a batch for what is wrong with it, told as if it had been alone', async () => {
    const bus = await open();
    gateway.refuse = ({ topic }) =>
      topic === 'bad'
        ? { code: status.INVALID_ARGUMENT, reason: 'TOPIC_INVALID', field: 'messages[0].topic' }
        : undefined;
    const [good, bad] = await Promise.allSettled([bus.publish('good', 'a'), bus.publish('bad', 'b')]);
    expect(good.status).toBe('fulfilled');
    expect(bad).toMatchObject({
      reason: { name: 'InvalidArgumentError', reason: 'TOPIC_INVALID', field: 'topic', message: 'refused: topic' },
    });
  });

  it('finds the one message for which the gateway ends the stream, and delivers the others', async () => {
    const bus = await open();
    const calls = ['a', 'b', 'poison', 'c'].map((body) => bus.publish('orders', body));
    gateway.breakAt = ({ messages }) =>
      messages.some((message) => Buffer.from(message.body).toString() === 'poison')
        ? { code: status.RESOURCE_EXHAUSTED, details: 'Received message larger than max' }
        : undefined;
    const results = await Promise.allSettled(calls);
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(results[2]).toMatchObject({ reason: { name: 'InvalidArgumentError', code: 'RESOURCE_EXHAUSTED' } });
  });

  it('rejects at its deadline with the id to publish under again', async () => {
    const bus = await open();
    gateway.deaf = true;
    const long = bus.publish('orders', 'b');
    const error = await bus.publish('orders', 'a', { deadline: 50 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'DeadlineError', retryable: true, messageId: idsOf(0)[1] });
    gateway.deaf = false;
    gateway.breakPublishStreams();
    expect(await long).toMatchObject({ id: idsOf(0)[0] });
    expect(gateway.store.accepted('orders')).toHaveLength(1);
  });

  it('rejects at its deadline with the cause when no gateway is there', async () => {
    const bus = await connect({ url: '127.0.0.1:1', lazy: true, deadline: 100 });
    const error = await bus.publish('orders', 'a').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'DeadlineError', cause: { name: 'UnavailableError' } });
    await bus.close();
  });

  it("rejects with the signal's reason, before and after it was sent", async () => {
    const bus = await open();
    await expect(bus.publish('orders', 'a', { signal: AbortSignal.abort(new Error('never')) })).rejects.toThrow(
      'never',
    );
    gateway.deaf = true;
    const abort = new AbortController();
    const calls = Array.from({ length: 20 }, () => bus.publish('orders', 'a', { signal: abort.signal }));
    await gateway.until(() => gateway.publishes.length === 1);
    abort.abort(new Error('enough'));
    for (const result of await Promise.allSettled(calls))
      expect(result).toMatchObject({ reason: { message: 'enough' } });
  });

  it('rejects what no token allows', async () => {
    const bus = await open();
    gateway.refuseCall = () => ({ code: status.UNAUTHENTICATED, details: 'who are you', reason: 'TOKEN_INVALID' });
    const calls = await Promise.allSettled([bus.publish('orders', 'a'), bus.publish('orders', 'b')]);
    for (const call of calls) expect(call).toMatchObject({ reason: { name: 'AccessError', reason: 'TOKEN_INVALID' } });
  });

  it('rejects options that make no sense, as a promise', async () => {
    const bus = await open();
    await expect(bus.publish('orders', 'a', { deadline: -1 })).rejects.toMatchObject({ field: 'deadline' });
    await expect(bus.publish('orders', () => 1)).rejects.toMatchObject({ field: 'body' });
  });
});

describe('publishMany', () => {
  it('takes bodies and items, and an object that merely has a body is a body', async () => {
    const bus = await open();
    const results = await bus.publishMany('orders', ['a', { body: 'b', id: 'own' }, { body: 'c', from: 'me' }]);
    expect(results[1]?.id).toBe('own');
    expect(gateway.publishes.flat().map((message) => message.body)).toEqual(['a', 'b', '{"body":"c","from":"me"}']);
  });

  it('tells which of many were not accepted', async () => {
    const bus = await open();
    gateway.refuse = ({ id }) => (id === 'bad' ? { code: status.INVALID_ARGUMENT, reason: 'KEY_INVALID' } : undefined);
    const error = await bus.publishMany('orders', ['a', { body: 'b', id: 'bad' }]).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PublishManyError);
    expect(error).toMatchObject({
      code: 'INVALID_ARGUMENT',
      retryable: false,
      results: [{ outcome: 'parked' }, { reason: 'KEY_INVALID' }],
    });
  });
});

describe('close', () => {
  it('confirms what was published before it, and rejects what is published after', async () => {
    const bus = await open();
    gateway.muted = true;
    const before = bus.publish('orders', 'a');
    const closed = bus.close();
    await expect(bus.publish('orders', 'b')).rejects.toBeInstanceOf(ClosedError);
    await gateway.until(() => gateway.publishes.length === 1);
    gateway.unmute();
    expect(await before).toMatchObject({ outcome: 'parked' });
    await closed;
    await expect(bus.publish('orders', 'c')).rejects.toBeInstanceOf(ClosedError);
    await expect(bus.ack('r')).rejects.toBeInstanceOf(ClosedError);
    await expect(bus.cancel('orders', 'x')).rejects.toBeInstanceOf(ClosedError);
    expect(() => bus.subscribe('orders', 'billing', () => {})).toThrow(ClosedError);
    await expect(bus.pull('orders', 'billing').next()).rejects.toBeInstanceOf(ClosedError);
    await bus.close();
  });

  it('rejects what is not confirmed in its time', async () => {
    const bus = await open();
    gateway.deaf = true;
    const lost = bus.publish('orders', 'a');
    lost.catch(() => {});
    await bus.close({ timeout: 20 });
    await expect(lost).rejects.toBeInstanceOf(ClosedError);
  });
});

describe('connect', () => {
  it('rejects when no gateway answers in time, saying why', async () => {
    await expect(connect({ url: '127.0.0.1:1', deadline: 100 })).rejects.toMatchObject({
      name: 'UnavailableError',
      message: expect.stringContaining('127.0.0.1:1'),
    });
  });
});
