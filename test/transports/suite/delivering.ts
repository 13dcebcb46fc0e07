import { InvalidArgumentError, PublishManyError } from '@waybill/sdk';
import { expect, test } from 'vitest';
import { Inbox, Latch } from '../inbox.js';
import type { UsedTransport } from '../use-transport.js';

/** Publish, route, deliver. */
export function delivering(used: UsedTransport): void {
  test('a message reaches its handler as it was published, and is acked when the handler returns', async () => {
    const topic = used.topic('orders');
    const inbox = await Inbox.open(used.bus, topic, 'billing');
    const before = Date.now();
    const headers = { source: 'shop' };
    const published = await used.bus.publish(topic, { number: 7 }, { key: 'customer-1', headers });
    expect(published).toMatchObject({ outcome: 'accepted' });
    const [message] = await inbox.got(1);
    expect(message?.id).toBe(published.id);
    expect(message).toMatchObject({ topic, key: 'customer-1', attempt: 1 });
    expect(message?.headers).toEqual({ source: 'shop', 'content-type': 'application/json' });
    expect(message?.json()).toEqual({ number: 7 });
    expect(Buffer.from(message?.body ?? []).toString()).toBe('{"number":7}');
    // Both clocks are this machine's, and may be a few milliseconds apart.
    expect(message?.publishedAt.getTime()).toBeGreaterThan(before - 1_000);
    expect(message?.leaseDeadline.getTime()).toBeGreaterThan(before);
    await inbox.until(() => message?.settledBy === 'ack');
    await inbox.stop();
    const next = await Inbox.open(used.bus, topic, 'billing');
    await used.bus.publish(topic, 'marker');
    await next.got(1);
    expect(next.bodies).toEqual(['marker']);
    await next.stop();
  });

  test('texts and bytes arrive as they are', async () => {
    const topic = used.topic('plain');
    const inbox = await Inbox.open(used.bus, topic, 'c');
    await used.bus.publish(topic, 'čeština');
    await used.bus.publish(topic, Uint8Array.of(0, 255, 1));
    const [text, bytes] = await inbox.got(2);
    expect(text?.text()).toBe('čeština');
    expect(text?.headers).toEqual({});
    expect([...(bytes?.body ?? [])]).toEqual([0, 255, 1]);
    await inbox.stop();
  });

  test('what no channel wants yet is parked for the first one', async () => {
    const topic = used.topic('parked');
    expect(await used.bus.publish(topic, 'a')).toMatchObject({ outcome: 'parked' });
    const inbox = await Inbox.open(used.bus, topic, 'c');
    await inbox.got(1);
    expect(inbox.bodies).toEqual(['a']);
    await inbox.stop();
  });

  test('every channel of a topic gets its copy', async () => {
    const topic = used.topic('copies');
    const inboxes = await Promise.all(['a', 'b', 'c'].map((channel) => Inbox.open(used.bus, topic, channel)));
    await used.bus.publishMany(topic, ['one', 'two']);
    for (const inbox of inboxes) {
      await inbox.got(2);
      expect(inbox.bodies).toEqual(['one', 'two']);
      await inbox.stop();
    }
  });

  test('the consumers of a channel share its messages: each is handled by one of them', async () => {
    const topic = used.topic('shared');
    const latch = new Latch();
    const wait = () => latch.opened;
    const options = { concurrency: 1, credit: 1 };
    const one = await Inbox.open(used.bus, topic, 'c', wait, options);
    const two = await Inbox.open(used.bus, topic, 'c', wait, options);
    await used.bus.publishMany(topic, ['1', '2', '3', '4', '5', '6']);
    // Each holds one, so neither can have had them all.
    await Promise.all([one.got(1), two.got(1)]);
    latch.open();
    const all = () => one.messages.length + two.messages.length === 6;
    // What comes to either may be the last one.
    await Promise.race([one.until(all), two.until(all)]);
    expect([...one.bodies, ...two.bodies].sort()).toEqual(['1', '2', '3', '4', '5', '6']);
    await Promise.all([one.stop(), two.stop()]);
  });

  test('a pattern subscribes to all topics that match', async () => {
    const root = used.topic('shop');
    const words = await Inbox.open(used.bus, `${root}.*`, 'one-word');
    const all = await Inbox.open(used.bus, `${root}.#`, 'all');
    await used.bus.publish(`${root}.orders`, 'a');
    await used.bus.publish(`${root}.orders.paid`, 'b');
    await used.bus.publish(`${root}.mails`, 'c');
    await Promise.all([words.got(2), all.got(3)]);
    expect(words.bodies.sort()).toEqual(['a', 'c']);
    expect(all.messages.map(({ topic }) => topic).sort()).toEqual(
      [`${root}.mails`, `${root}.orders`, `${root}.orders.paid`].sort(),
    );
    await Promise.all([words.stop(), all.stop()]);
  });

  test('with concurrency 1 messages are handled one after the other, in order; with more, that many at a time', async () => {
    const topic = used.topic('order');
    const numbers = Array.from({ length: 20 }, (_, i) => `${i}`);
    let running = 0;
    let most = 0;
    const slow = async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    };
    const one = await Inbox.open(used.bus, topic, 'one', slow);
    await used.bus.publishMany(topic, numbers);
    await one.got(20);
    expect(one.bodies).toEqual(numbers);
    await one.stop();
    expect(most).toBe(1);
    const five = await Inbox.open(used.bus, topic, 'five', slow, { concurrency: 5 });
    await used.bus.publishMany(topic, numbers);
    await five.got(20);
    await five.stop();
    expect(most).toBe(5);
  });

  test('a message with an id that was accepted before is a duplicate, and comes once', async () => {
    const topic = used.topic('dedupe');
    const inbox = await Inbox.open(used.bus, topic, 'c');
    expect(await used.bus.publish(topic, 'a', { id: 'x' })).toEqual({ id: 'x', outcome: 'accepted' });
    expect(await used.bus.publish(topic, 'b', { id: 'x' })).toEqual({ id: 'x', outcome: 'duplicate' });
    expect(await used.bus.publish(topic, 'c', { id: 'y' })).toEqual({ id: 'y', outcome: 'accepted' });
    await inbox.got(2);
    expect(inbox.bodies).toEqual(['a', 'c']);
    await inbox.stop();
  });

  test('of many messages, those that are wrong are named and the others accepted', async () => {
    const topic = used.topic('many');
    const inbox = await Inbox.open(used.bus, topic, 'c');
    const items = [
      { body: 'a', key: 'k' },
      { body: 'b', id: 'with space' },
      { body: 'c', headers: { h: '1' } },
    ];
    const failing = used.bus.publishMany(topic, items);
    await expect(failing).rejects.toThrow(PublishManyError);
    await expect(failing).rejects.toMatchObject({
      results: [{ outcome: 'accepted' }, { reason: 'ID_INVALID' }, { outcome: 'accepted' }],
    });
    await inbox.got(2);
    expect(inbox.bodies).toEqual(['a', 'c']);
    expect(inbox.messages.map(({ key, headers }) => [key, headers])).toEqual([
      ['k', {}],
      ['', { h: '1' }],
    ]);
    await inbox.stop();
  });

  test.each([
    ['a topic', 'TOPIC_INVALID', () => used.bus.publish('no topic', 'a')],
    ['a topic that is a pattern', 'TOPIC_INVALID', () => used.bus.publish('a.*', 'a')],
    ['a key', 'KEY_INVALID', () => used.bus.publish('t', 'a', { key: 'k'.repeat(129) })],
    ['a header', 'HEADER_INVALID', () => used.bus.publish('t', 'a', { headers: { 'no name': 'a' } })],
    ['a ttl', 'TTL_INVALID', () => used.bus.publish('t', 'a', { delay: '2s', ttl: '1s' })],
    ['a channel', 'CHANNEL_INVALID', () => used.bus.subscribe('t', 'no channel', () => {}, { onError() {} }).ready],
    ['a pattern', 'TOPIC_INVALID', () => used.bus.subscribe('a.b*', 'c', () => {}, { onError() {} }).ready],
  ])('%s that is wrong is refused', async (_, reason, call) => {
    const failing = call();
    await expect(failing).rejects.toThrow(InvalidArgumentError);
    await expect(failing).rejects.toMatchObject({ reason });
  });

  test('what it holds outlives it where it is durable, and ends with it where it is not', async () => {
    const topic = used.topic('kept');
    const before = await Inbox.open(used.bus, topic, 'c');
    await before.stop();
    await used.bus.publish(topic, 'kept');
    await used.restart();
    const after = await Inbox.open(used.bus, topic, 'c');
    await used.bus.publish(topic, 'marker');
    await after.until(() => after.bodies.includes('marker'));
    expect(after.bodies).toEqual(used.features.durable ? ['kept', 'marker'] : ['marker']);
    await after.stop();
  });
}
