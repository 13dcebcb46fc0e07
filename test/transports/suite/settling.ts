import { type Message, StaleReceiptError } from '@waybill/sdk';
import { expect, test } from 'vitest';
import { Inbox, Latch } from '../inbox.js';
import type { UsedTransport } from '../use-transport.js';

const RETRY = { maxRetries: 3, backoff: '1h' } as const;

/** Settling by hand, receipts, pulling. */
export function settling(used: UsedTransport): void {
  test('settled by hand, a message comes again after its nack, and not after its ack', async () => {
    const topic = used.topic('manual');
    const done = new Latch();
    const settle = async (message: Message) => {
      if (message.attempt === 1) return message.nack({ delay: 20, reason: 'once more' });
      await message.ack();
      await expect(message.ack()).rejects.toMatchObject({ reason: 'ALREADY_SETTLED' });
      done.open();
    };
    const inbox = await Inbox.open(used.bus, topic, 'c', settle, { settle: 'manual', retry: RETRY });
    await used.bus.publish(topic, 'a');
    await done.opened;
    expect(inbox.attempts).toEqual([1, 2]);
    expect(inbox.messages.map(({ settledBy }) => settledBy)).toEqual(['nack', 'ack']);
    expect(inbox.errors).toEqual([]);
    await inbox.stop();
  });

  test('what was not begun with uses no attempt, however often it is given back', async () => {
    const topic = used.topic('unhandled');
    const done = new Latch();
    let given = 0;
    const settle = async (message: Message) => {
      if (++given === 2) return message.nack({ delay: 0, reason: 'failed' });
      if (given < 7) return message.nack({ unhandled: true, reason: 'not begun with' });
      await message.ack();
      done.open();
    };
    const retry = { maxRetries: 1, backoff: '1h' } as const;
    const inbox = await Inbox.open(used.bus, topic, 'c', settle, { settle: 'manual', retry });
    await used.bus.publish(topic, 'a');
    await done.opened;
    expect(inbox.attempts).toEqual([1, 1, 2, 2, 2, 2, 2]);
    await inbox.stop();
  });

  test('a manual handler may settle after it has returned', async () => {
    const topic = used.topic('after');
    const inbox = await Inbox.open(used.bus, topic, 'c', () => {}, { settle: 'manual', concurrency: 2, credit: 2 });
    await used.bus.publishMany(topic, ['a', 'b', 'c']);
    const [first, second] = await inbox.got(2);
    await first?.reject('not wanted');
    await inbox.got(3);
    await second?.ack();
    await inbox.messages[2]?.ack();
    expect(inbox.bodies).toEqual(['a', 'b', 'c']);
    expect(await used.deadLetters(topic, 1)).toMatchObject([{ id: first?.id, reason: 'not wanted' }]);
    await inbox.stop();
  });

  test('a message whose lease ended is stale, and comes again', async () => {
    const topic = used.topic('lease');
    const options = { settle: 'manual', lease: '1s', autoExtend: false, retry: { maxRetries: 3, backoff: 0 } } as const;
    const inbox = await Inbox.open(used.bus, topic, 'c', () => {}, options);
    await used.bus.publish(topic, 'a');
    const [first, second] = await inbox.got(2);
    expect(second?.attempt).toBe(2);
    await expect(first?.ack()).rejects.toThrow(StaleReceiptError);
    expect(first?.signal.aborted).toBe(true);
    expect(await used.bus.ack(first?.receipt ?? '')).toMatchObject([{ status: 'stale' }]);
    await second?.ack();
    await inbox.stop();
  });

  test('extending a lease keeps the message', async () => {
    const topic = used.topic('extend');
    const options = { settle: 'manual', lease: '2s', autoExtend: false, retry: { maxRetries: 3, backoff: 0 } } as const;
    const inbox = await Inbox.open(used.bus, topic, 'c', () => {}, options);
    const marker = await Inbox.open(used.bus, topic, 'marker', () => {}, options);
    await used.bus.publish(topic, 'a');
    const [message] = await inbox.got(1);
    await message?.extend('1m');
    // The other channel's lease, which began at the same time, has ended.
    await marker.got(2);
    await message?.ack();
    expect(inbox.attempts).toEqual([1]);
    await marker.messages[1]?.ack();
    await Promise.all([inbox.stop(), marker.stop()]);
  });

  test('pull takes messages one by one, and leaving the loop gives back the rest', async () => {
    const topic = used.topic('pull');
    await used.bus.publishMany(topic, ['a', 'b', 'c']);
    const seen: string[] = [];
    for await (const message of used.bus.pull(topic, 'c', { batch: 3, retry: RETRY })) {
      seen.push(message.text());
      await message.ack();
      if (seen.length === 2) break;
    }
    for await (const message of used.bus.pull(topic, 'c')) {
      seen.push(`${message.text()} ${message.attempt}`);
      await message.ack();
      break;
    }
    expect(seen).toEqual(['a', 'b', 'c 1']);
  });

  test('pull waits for messages, and ends when its signal aborts', async () => {
    const topic = used.topic('pull');
    const abort = new AbortController();
    const messages = used.bus.pull(topic, 'c', { signal: abort.signal });
    const next = messages.next();
    await used.bus.publish(topic, 'late');
    const { value } = await next;
    expect(value?.text()).toBe('late');
    await value?.ack();
    const end = messages.next();
    abort.abort();
    expect(await end).toEqual({ done: true, value: undefined });
  });

  test('receipts are settled from anywhere, with a result for each', async () => {
    const topic = used.topic('receipts');
    await used.bus.publishMany(topic, ['a', 'b', 'c', 'd']);
    const held: Message[] = [];
    for await (const message of used.bus.pull(topic, 'c', { retry: RETRY })) {
      held.push(message);
      if (held.length === 4) break;
    }
    const [a = '', b = '', c = '', d = ''] = held.map(({ receipt }) => receipt);
    expect(await used.bus.ack([a, 'nonsense'])).toEqual([
      { receipt: a, status: 'ok' },
      { receipt: 'nonsense', status: 'unknown' },
    ]);
    expect(await used.bus.ack(a)).toMatchObject([{ status: 'ok' }]);
    expect(await used.bus.reject(a)).toMatchObject([{ status: 'stale' }]);
    expect(await used.bus.extend(b, { lease: '1m' })).toMatchObject([{ status: 'ok' }]);
    expect(await used.bus.nack(b, { delay: 20, reason: 'why' })).toMatchObject([{ status: 'ok' }]);
    expect(await used.bus.reject([c, d], { reason: 'bad' })).toMatchObject([{ status: 'ok' }, { status: 'ok' }]);
    expect(await used.bus.ack([])).toEqual([]);
    expect((await used.deadLetters(topic, 2)).map(({ reason }) => reason)).toEqual(['bad', 'bad']);
    for await (const message of used.bus.pull(topic, 'c')) {
      expect([message.text(), message.attempt]).toEqual(['b', 2]);
      await message.ack();
      break;
    }
  });
}
