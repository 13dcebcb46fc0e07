import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bus } from '../bus.js';
import { connect } from '../connect.js';
import { StaleReceiptError } from '../errors.js';
import { TestingGateway } from '../fixture/gateway.js';

let gateway: TestingGateway;
let bus: Bus;

beforeEach(async () => {
  gateway = await new TestingGateway().start();
  bus = await connect(gateway.url);
});

afterEach(async () => {
  await bus.close({ timeout: 0 });
  gateway.stop();
});

describe('pull', () => {
  it('gives messages as they come, and ends when the loop is left; what was taken and not given goes back', async () => {
    await bus.publishMany('jobs', ['a', 'b', 'c']);
    const seen: string[] = [];
    for await (const message of bus.pull('jobs', 'worker', { batch: 3 })) {
      seen.push(message.text());
      await message.ack();
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(['a', 'b']);
    await gateway.until(() => gateway.store.settled.length === 3);
    expect(gateway.store.settled.map((settled) => settled.kind)).toEqual(['ack', 'ack', 'nack']);
  });

  it('waits for messages', async () => {
    const next = bus.pull('jobs', 'worker', { wait: 20 }).next();
    await gateway.until(() => gateway.store.held() === 0);
    await bus.publish('jobs', 'late');
    expect((await next).value?.text()).toBe('late');
  });

  it('ends without an error when its signal aborts, or the bus closes', async () => {
    const abort = new AbortController();
    const one = bus.pull('jobs', 'worker', { signal: abort.signal }).next();
    const two = bus.pull('jobs', 'worker').next();
    abort.abort();
    expect(await one).toEqual({ done: true, value: undefined });
    await bus.close();
    expect(await two).toEqual({ done: true, value: undefined });
  });

  it('outlives a gateway that is away, and throws what is refused for good', async () => {
    await bus.publish('jobs', 'a');
    let calls = 0;
    gateway.refuseCall = () => (calls++ < 2 ? { code: status.UNAVAILABLE, details: 'away' } : undefined);
    const messages = bus.pull('jobs', 'worker');
    expect((await messages.next()).value?.text()).toBe('a');
    gateway.refuseCall = () => ({ code: status.INVALID_ARGUMENT, details: 'bad', reason: 'CHANNEL_INVALID' });
    await expect(messages.next()).rejects.toMatchObject({ name: 'InvalidArgumentError', reason: 'CHANNEL_INVALID' });
  });

  it('a message whose lease ended is stale', async () => {
    await bus.publish('jobs', 'a');
    for await (const message of bus.pull('jobs', 'worker', { lease: '1s' })) {
      await gateway.until(() => gateway.store.held() === 0);
      await expect(message.ack()).rejects.toBeInstanceOf(StaleReceiptError);
      break;
    }
  });
});

describe('receipts alone', () => {
  it('are settled by any bus, with a result for each', async () => {
    await bus.publishMany('jobs', ['a', 'b', 'c', 'd']);
    const receipts: string[] = [];
    for await (const message of bus.pull('jobs', 'worker')) {
      receipts.push(message.receipt);
      if (receipts.length === 4) break;
    }
    const [a = '', b = '', c = '', d = ''] = receipts;
    const other = await connect(gateway.url);
    expect(await other.ack([a, 'nonsense'])).toEqual([
      { receipt: a, status: 'ok' },
      { receipt: 'nonsense', status: 'unknown' },
    ]);
    expect(await other.extend(b, { lease: '1m' })).toEqual([{ receipt: b, status: 'ok' }]);
    expect(await other.nack(b, { delay: '5m', reason: 'why' })).toEqual([{ receipt: b, status: 'ok' }]);
    expect(await other.reject([c, d], { reason: 'bad' })).toMatchObject([{ status: 'ok' }, { status: 'ok' }]);
    expect(await other.ack([])).toEqual([]);
    expect(gateway.store.settled.map(({ kind, reason, delayMs }) => [kind, reason, delayMs])).toEqual([
      ['ack', '', undefined],
      ['extend', '', undefined],
      ['nack', 'why', 300_000],
      ['reject', 'bad', undefined],
      ['reject', 'bad', undefined],
    ]);
    await other.close();
  });

  it('are tried again while no gateway answers', async () => {
    let calls = 0;
    gateway.refuseCall = () => (calls++ < 2 ? { code: status.UNAVAILABLE, details: 'away' } : undefined);
    expect(await bus.ack('nonsense')).toEqual([{ receipt: 'nonsense', status: 'unknown' }]);
    expect(calls).toBe(3);
  });
});

describe('the schedule', () => {
  it('cancels and reschedules what waits', async () => {
    const { id } = await bus.publish('jobs', 'a', { delay: '1h' });
    const at = new Date(Date.now() + 7_200_000);
    expect(await bus.reschedule('jobs', id, { at })).toEqual(at);
    expect((await bus.reschedule('jobs', id, { delay: '3h' })).getTime()).toBeGreaterThan(at.getTime());
    await bus.cancel('jobs', id);
    await expect(bus.cancel('jobs', id)).rejects.toMatchObject({
      name: 'NotFoundError',
      reason: 'SCHEDULED_NOT_FOUND',
    });
  });
});
