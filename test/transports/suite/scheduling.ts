import { NotFoundError } from '@waybill/sdk';
import { expect, test } from 'vitest';
import { Inbox } from '../inbox.js';
import type { UsedTransport } from '../use-transport.js';

/** Messages that wait for a time. */
export function scheduling(used: UsedTransport): void {
  test('a delayed message is not handed out before its time', async () => {
    const topic = used.topic('delayed');
    const inbox = await Inbox.open(used.bus, topic, 'c');
    const before = Date.now();
    expect(await used.bus.publish(topic, 'by delay', { delay: 150 })).toMatchObject({ outcome: 'scheduled' });
    const at = new Date(before + 1_000);
    expect(await used.bus.publish(topic, 'by time', { at })).toMatchObject({ outcome: 'scheduled' });
    await inbox.got(2);
    expect(inbox.arrival('by delay')).toBeGreaterThanOrEqual(before + 150);
    expect(inbox.arrival('by time')).toBeGreaterThanOrEqual(at.getTime());
    await inbox.stop();
  });

  test('a delayed message that is cancelled never comes, and can not be cancelled twice', async () => {
    const topic = used.topic('cancelled');
    const inbox = await Inbox.open(used.bus, topic, 'c');
    await used.bus.publish(topic, 'never', { id: 'x', delay: '2s' });
    await used.bus.publish(topic, 'marker', { delay: '2.1s' });
    await used.bus.cancel(topic, 'x');
    await expect(used.bus.cancel(topic, 'x')).rejects.toThrow(NotFoundError);
    await expect(used.bus.cancel(topic, 'y')).rejects.toMatchObject({ reason: 'SCHEDULED_NOT_FOUND' });
    await inbox.got(1);
    expect(inbox.bodies).toEqual(['marker']);
    await inbox.stop();
  });

  test('a parked message can be cancelled', async () => {
    const topic = used.topic('parked');
    await used.bus.publish(topic, 'never', { id: 'x' });
    await used.bus.publish(topic, 'marker', { id: 'y' });
    await used.bus.cancel(topic, 'x');
    const inbox = await Inbox.open(used.bus, topic, 'c');
    await inbox.got(1);
    expect(inbox.bodies).toEqual(['marker']);
    await inbox.stop();
  });

  test('a delayed message that gets another time comes then', async () => {
    const topic = used.topic('moved');
    const inbox = await Inbox.open(used.bus, topic, 'c');
    await used.bus.publish(topic, 'a', { id: 'x', delay: '1h' });
    await used.bus.publish(topic, 'b', { id: 'y', delay: '1h' });
    const before = Date.now();
    const due = await used.bus.reschedule(topic, 'x', { delay: 100 });
    expect(due.getTime()).toBeGreaterThanOrEqual(before + 100);
    await used.bus.reschedule(topic, 'y', { at: new Date(before - 1_000) });
    await inbox.got(2);
    expect(inbox.arrival('a')).toBeGreaterThanOrEqual(due.getTime());
    expect(inbox.bodies.toSorted()).toEqual(['a', 'b']);
    await expect(used.bus.reschedule(topic, 'z', { delay: 1 })).rejects.toThrow(NotFoundError);
    await inbox.stop();
  });

  test('a message that was not handed out within its ttl never is', async () => {
    const topic = used.topic('ttl');
    const opened = await Inbox.open(used.bus, topic, 'c');
    await opened.stop();
    await used.bus.publish(topic, 'gone', { ttl: 50 });
    await used.bus.publish(topic, 'there', { ttl: '1h' });
    const expired = Date.now() + 50;
    while (Date.now() <= expired) await new Promise((resolve) => setTimeout(resolve, 10));
    const inbox = await Inbox.open(used.bus, topic, 'c');
    await inbox.got(1);
    expect(inbox.bodies).toEqual(['there']);
    await inbox.stop();
  });
}
