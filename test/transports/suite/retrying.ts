import { RetryAfter, UnrecoverableError } from '@waybill/sdk';
import { expect, test } from 'vitest';
import { Inbox } from '../inbox.js';
import type { UsedTransport } from '../use-transport.js';

/** Handlers that fail. */
export function retrying(used: UsedTransport): void {
  test('a message whose handler throws comes again after the backoff, and is a dead letter when its retries are used up', async () => {
    const topic = used.topic('retries');
    const times: number[] = [];
    const fail = () => {
      times.push(Date.now());
      throw new Error(`no ${times.length}`);
    };
    const retry = { maxRetries: 2, backoff: { initial: 60, multiplier: 4 } };
    const inbox = await Inbox.open(used.bus, topic, 'c', fail, { retry });
    const { id } = await used.bus.publish(topic, 'poison');
    const [letter] = await used.deadLetters(topic, 1);
    expect(inbox.attempts).toEqual([1, 2, 3]);
    expect(letter).toMatchObject({ id, attempts: 3, reason: 'no 3' });
    expect(inbox.errors.map(String)).toEqual(['Error: no 1', 'Error: no 2', 'Error: no 3']);
    const [first = 0, second = 0, third = 0] = times;
    // Never early: 60 ms, then 240 ms; a clock that counts whole milliseconds may show one less.
    expect(second - first).toBeGreaterThanOrEqual(59);
    expect(third - second).toBeGreaterThanOrEqual(239);
    await inbox.stop();
  });

  test('UnrecoverableError makes a dead letter at once, whatever retries are left', async () => {
    const topic = used.topic('unrecoverable');
    const fail = async () => {
      throw new UnrecoverableError('no such order');
    };
    const inbox = await Inbox.open(used.bus, topic, 'c', fail, { retry: { maxRetries: 5, backoff: 1 } });
    const { id } = await used.bus.publish(topic, 'poison');
    expect(await used.deadLetters(topic, 1)).toMatchObject([{ id, attempts: 1, reason: 'no such order' }]);
    expect(inbox.attempts).toEqual([1]);
    await inbox.stop();
  });

  test('RetryAfter says itself when the message comes again', async () => {
    const topic = used.topic('later');
    const times: number[] = [];
    const later = ({ attempt }: { readonly attempt: number }) => {
      times.push(Date.now());
      if (attempt === 1) throw new RetryAfter(120, 'not paid yet');
    };
    const inbox = await Inbox.open(used.bus, topic, 'c', later, { retry: { maxRetries: 1, backoff: '1h' } });
    await used.bus.publish(topic, 'a');
    await inbox.got(2);
    expect(inbox.attempts).toEqual([1, 2]);
    const [first = 0, second = 0] = times;
    expect(second - first).toBeGreaterThanOrEqual(119);
    await inbox.stop();
  });

  test('one message that fails holds up no other', async () => {
    const topic = used.topic('others');
    const fail = (message: { text(): string }) => {
      if (message.text() === 'bad') throw new Error('bad');
    };
    const inbox = await Inbox.open(used.bus, topic, 'c', fail, { retry: { maxRetries: 1, backoff: '1h' } });
    await used.bus.publishMany(topic, ['bad', 'good', 'better']);
    await inbox.got(3);
    expect(inbox.bodies).toEqual(['bad', 'good', 'better']);
    await inbox.stop();
  });
}
