import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Channel, ChannelId } from '../../model/channel.js';
import type { BrokerConsumer, FrameDelivery } from '../../ports/broker.js';
import { Fixture, limitPages, message, pageCount } from '../sqlite/fixture.js';
import type { Store } from '../sqlite/store.js';
import { SqliteBroker } from './broker.js';

const SHOP = channel(1, 'orders', 'shop');
const AUDIT = channel(2, 'orders.#', 'audit');

function channel(id: number, topic: string, name: string): Channel {
  return { id: id as ChannelId, topic, name, retry: undefined };
}

describe('the SQLite broker', () => {
  let fixture: Fixture;
  let store: Store;
  let broker: SqliteBroker;

  beforeEach(() => {
    fixture = new Fixture();
    onTestFinished(() => fixture.remove());
    store = fixture.open();
    broker = new SqliteBroker(store);
  });

  async function reopen(): Promise<void> {
    await broker.stop();
    await store.stop();
    store = fixture.open();
    broker = new SqliteBroker(store);
  }

  function publish(id: string, to: Parameters<SqliteBroker['publish']>[1] = { topic: 'orders' }, verify = false) {
    return broker.publish({ topic: 'orders', messages: [message('orders', id)], verify }, to);
  }

  function kept(): number {
    const count = store.prepare<{ count: number }>('SELECT count(*) AS count FROM frames');
    return store.read('BROKER_UNAVAILABLE', () => count.get()?.count ?? 0);
  }

  /** Takes frames as they come, and settles none. */
  function consume(of: Channel, prefetch: number) {
    const frames: FrameDelivery[] = [];
    const lost = vi.fn();
    const consumer: BrokerConsumer = broker.consume(of, { frame: (frame) => frames.push(frame), lost });
    consumer.prefetch(prefetch);
    return {
      consumer,
      frames,
      lost,
      ids: () => frames.flatMap(({ messages }) => messages.map(({ id }) => id)),
      have: (count: number) => vi.waitUntil(() => frames.length >= count),
    };
  }

  /** Long enough for a frame that must not come to have come. */
  async function turns(): Promise<void> {
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  test('routes to every channel whose topic or pattern matches, and keeps one body', async () => {
    await broker.declare(SHOP);
    await broker.declare(AUDIT);
    expect(await publish('a')).toBe('routed');
    expect(kept()).toBe(1);
    const shop = consume(SHOP, 10);
    const audit = consume(AUDIT, 10);
    await Promise.all([shop.have(1), audit.have(1)]);
    shop.frames[0]?.ack();
    await publish('b', { channel: AUDIT });
    await audit.have(2);
    expect(shop.ids()).toEqual(['a']);
    expect(audit.ids()).toEqual(['a', 'b']);
    expect(kept()).toBe(2);
    for (const frame of audit.frames) frame.ack();
    await vi.waitUntil(() => kept() === 0);
  });

  test('a channel that is declared later gets what is published from then on', async () => {
    await broker.declare(AUDIT);
    await publish('a');
    await broker.declare(SHOP);
    await publish('b');
    const shop = consume(SHOP, 10);
    await shop.have(1);
    expect(shop.ids()).toEqual(['b']);
  });

  test('what nobody wants is unroutable and not kept', async () => {
    expect(await publish('a')).toBe('unroutable');
    expect(await publish('a', { channel: SHOP })).toBe('unroutable');
    await broker.declare(SHOP);
    expect(await broker.publish({ topic: 'x', messages: [message('x', 'a')], verify: false }, { topic: 'x' })).toBe(
      'unroutable',
    );
    expect(kept()).toBe(0);
  });

  test('refuses a queue number that another channel has', async () => {
    await broker.declare(SHOP);
    await broker.declare(SHOP);
    await expect(broker.declare(channel(1, 'other', 'shop'))).rejects.toMatchObject({ reason: 'QUEUE_CONFLICT' });
  });

  test('hands out in order, whole frames, and no more than the prefetch', async () => {
    await broker.declare(SHOP);
    const shop = consume(SHOP, 0);
    const messages = [message('orders', 'a'), message('orders', 'b', Buffer.alloc(70_000, 1))];
    await Promise.all([
      broker.publish({ topic: 'orders', messages, verify: false }, { topic: 'orders' }),
      publish('c'),
      publish('d'),
      publish('e'),
    ]);
    await turns();
    expect(shop.frames).toEqual([]);
    shop.consumer.prefetch(2);
    await shop.have(2);
    await turns();
    expect(shop.ids()).toEqual(['a', 'b', 'c']);
    expect(shop.frames[0]?.messages).toEqual(messages);
    shop.frames[1]?.ack();
    await shop.have(3);
    await turns();
    expect(shop.ids()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('keeps whether a frame must be verified', async () => {
    await broker.declare(SHOP);
    await publish('a', { topic: 'orders' }, true);
    await publish('b');
    const shop = consume(SHOP, 10);
    await shop.have(2);
    expect(shop.frames.map(({ verify }) => verify)).toEqual([true, false]);
  });

  test('a requeued frame comes first again, to be verified', async () => {
    await broker.declare(SHOP);
    for (const id of ['a', 'b', 'c', 'd']) await publish(id);
    const shop = consume(SHOP, 2);
    await shop.have(2);
    shop.consumer.prefetch(0);
    shop.frames[1]?.requeue();
    shop.frames[0]?.requeue();
    await turns();
    shop.consumer.prefetch(3);
    await shop.have(5);
    expect(shop.ids()).toEqual(['a', 'b', 'a', 'b', 'c']);
    expect(shop.frames.map(({ verify }) => verify)).toEqual([false, false, true, true, false]);
  });

  test('consumers of one channel share its frames; what a stopped one requeues goes to the others', async () => {
    await broker.declare(SHOP);
    const one = consume(SHOP, 2);
    const two = consume(SHOP, 2);
    for (const id of ['a', 'b', 'c', 'd']) await publish(id);
    await Promise.all([one.have(2), two.have(2)]);
    expect([...one.ids(), ...two.ids()].sort()).toEqual(['a', 'b', 'c', 'd']);
    await one.consumer.stop();
    await one.consumer.stop();
    two.consumer.prefetch(10);
    for (const frame of one.frames) frame.requeue();
    await two.have(4);
    expect(two.ids().sort()).toEqual(['a', 'b', 'c', 'd']);
    for (const frame of two.frames) frame.ack();
    await vi.waitUntil(() => kept() === 0);
  });

  test('after a restart the bindings hold, and what was there comes again to be verified, except what was acked', async () => {
    await broker.declare(SHOP);
    for (const id of ['a', 'b', 'c']) await publish(id);
    const before = consume(SHOP, 2);
    await before.have(2);
    before.frames[0]?.ack();
    await reopen();
    expect(before.lost).toHaveBeenCalledTimes(1);
    expect(await publish('d')).toBe('routed');
    const after = consume(SHOP, 10);
    await after.have(3);
    expect(after.ids()).toEqual(['b', 'c', 'd']);
    expect(after.frames.map(({ verify }) => verify)).toEqual([true, true, false]);
  });

  test('after a restart with an empty queue new frames still come', async () => {
    await broker.declare(SHOP);
    await publish('a');
    const before = consume(SHOP, 1);
    await before.have(1);
    before.frames[0]?.ack();
    await reopen();
    await publish('b');
    const after = consume(SHOP, 1);
    await after.have(1);
    expect(after.ids()).toEqual(['b']);
    expect(after.frames[0]?.verify).toBe(false);
  });

  test('rejects while the disk is full, hands out what it has, and goes on when there is room', async () => {
    await broker.declare(SHOP);
    await publish('a');
    limitPages(store, pageCount(store));
    const large = { topic: 'orders', messages: [message('orders', 'b', Buffer.alloc(200_000))], verify: false };
    await expect(broker.publish(large, { topic: 'orders' })).rejects.toMatchObject({ reason: 'BROKER_UNAVAILABLE' });
    expect(broker.health()).toBe('the disk is full');
    const shop = consume(SHOP, 10);
    await shop.have(1);
    limitPages(store, 1_000_000);
    await broker.publish(large, { topic: 'orders' });
    await shop.have(2);
    expect(shop.ids()).toEqual(['a', 'b']);
    expect(broker.health()).toBeUndefined();
  });

  test('is overloaded when too many bytes wait for their commit', async () => {
    broker = new SqliteBroker(store, { maxWaitingBytes: 60 });
    await broker.declare(SHOP);
    const results = await Promise.allSettled([publish('a'), publish('b'), publish('c'), publish('d')]);
    expect(results.map((result) => (result.status === 'rejected' ? result.reason.reason : result.value))).toContain(
      'OVERLOADED',
    );
    expect(results[0]?.status).toBe('fulfilled');
    expect(await publish('e')).toBe('routed');
  });

  test('refuses a call that was given up, and every call after its stop', async () => {
    await broker.declare(SHOP);
    const frame = { topic: 'orders', messages: [message('orders', 'a')], verify: false };
    await expect(broker.publish(frame, { topic: 'orders' }, AbortSignal.abort())).rejects.toMatchObject({
      reason: 'BROKER_UNAVAILABLE',
    });
    await broker.stop();
    await broker.stop();
    await expect(publish('a')).rejects.toMatchObject({ reason: 'BROKER_UNAVAILABLE' });
  });

  test('loses nothing that it confirmed when the process is killed while it publishes', async () => {
    await store.stop();
    const script = fileURLToPath(
      new URL('../../../dist/adapters/broker-sqlite/publish-until-killed.js', import.meta.url),
    );
    const child = spawn(process.execPath, [script, fixture.file], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    const confirmed = new Set<string>();
    const lines = createInterface(child.stdout);
    lines.on('line', (id) => {
      confirmed.add(id);
      if (confirmed.size === 2_000) {
        expect(() => fixture.open()).toThrow(`in use by another gateway (pid ${child.pid})`);
        child.kill('SIGKILL');
      }
    });
    await Promise.all([exited, once(lines, 'close')]);
    expect(child.signalCode).toBe('SIGKILL');

    store = fixture.open();
    broker = new SqliteBroker(store);
    const shop = consume(SHOP, Number.POSITIVE_INFINITY);
    await vi.waitUntil(() => shop.frames.length === kept());
    const ids = new Set(shop.ids());
    expect(ids.size).toBe(shop.frames.length);
    expect([...confirmed].filter((id) => !ids.has(id))).toEqual([]);
    expect(shop.frames.every(({ verify }) => verify)).toBe(true);
  });
});
