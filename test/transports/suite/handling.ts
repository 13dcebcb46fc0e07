import type { Message, Middleware } from '@waybill/sdk';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { Inbox, Latch } from '../inbox.js';
import type { UsedTransport } from '../use-transport.js';

const ORDER = z.object({ number: z.number().int() });

/** Middleware, batches, typed topics, the end of a subscription. */
export function handling(used: UsedTransport): void {
  test('middleware runs around the handler, the first outermost, and sees what it threw', async () => {
    const topic = used.topic('middleware');
    const steps: string[] = [];
    const step =
      (name: string): Middleware =>
      async (_message, next, { channel }) => {
        steps.push(`${name} ${channel}`);
        try {
          return await next();
        } catch (error) {
          steps.push(`${name} saw ${error instanceof Error ? error.message : error}`);
          throw error;
        }
      };
    const fail = () => {
      steps.push('handler');
      throw new Error('no');
    };
    const options = { middleware: [step('outer'), step('inner')], retry: { maxRetries: 0 } };
    const inbox = await Inbox.open(used.bus, topic, 'c', fail, options);
    await used.bus.publish(topic, 'a');
    expect(await used.deadLetters(topic, 1)).toMatchObject([{ reason: 'no' }]);
    expect(steps).toEqual(['outer c', 'inner c', 'handler', 'inner saw no', 'outer saw no']);
    await inbox.stop();
  });

  test('a batch handler gets what has gathered; what fails comes again', async () => {
    const topic = used.topic('batch');
    const batches: string[][] = [];
    const done = new Latch();
    const handle = (messages: readonly Message[]) => {
      batches.push(messages.map((message) => `${message.text()}${message.attempt}`));
      if (batches.length === 1) throw new Error('not now');
      if (batches.flat().length === 6) done.open();
    };
    const subscription = used.bus.subscribeBatch(topic, 'c', handle, {
      size: 3,
      wait: '10s',
      retry: { maxRetries: 1, backoff: 20 },
    });
    await subscription.ready;
    await used.bus.publishMany(topic, ['a', 'b', 'c']);
    await done.opened;
    expect(batches.map((batch) => batch.length)).toEqual([3, 3]);
    expect(batches[0]).toEqual(['a1', 'b1', 'c1']);
    expect(batches[1]?.toSorted()).toEqual(['a2', 'b2', 'c2']);
    await subscription.stop();
  });

  test('a typed topic hands out values, refuses on publish what does not fit, and buries it when it comes from elsewhere', async () => {
    const name = used.topic('typed');
    const orders = used.bus.topic(name, ORDER);
    const numbers: number[] = [];
    const done = new Latch();
    const subscription = orders.subscribe('c', (order) => {
      numbers.push(order.number);
      done.open();
    });
    await subscription.ready;
    await expect(orders.publish({ number: 1.5 })).rejects.toMatchObject({ name: 'InvalidArgumentError' });
    const { id } = await used.bus.publish(name, { number: 'seven' });
    await orders.publish({ number: 7 });
    await done.opened;
    const [letter] = await used.deadLetters(name, 1);
    expect(letter).toMatchObject({ id, attempts: 1 });
    expect(letter?.reason).toContain('number');
    expect(numbers).toEqual([7]);
    await subscription.stop();
  });

  test('close lets handlers finish, and what they return is acked', async () => {
    const bus = await used.another();
    const topic = used.topic('drain');
    const started = new Latch();
    const finish = new Latch();
    const handled: Message[] = [];
    const subscription = bus.subscribe(topic, 'c', async (message) => {
      started.open();
      await finish.opened;
      expect(message.signal.aborted).toBe(false);
      handled.push(message);
    });
    await subscription.ready;
    await bus.publishMany(topic, ['running', 'waiting']);
    await started.opened;
    const closed = bus.close({ timeout: '20s' });
    finish.open();
    await closed;
    // What nobody has begun waits for another time, where there is one.
    const left = used.features.durable ? [] : [['waiting', 'ack']];
    expect(handled.map((message) => [message.text(), message.settledBy])).toEqual([['running', 'ack'], ...left]);
    await expect(bus.publish(topic, 'late')).rejects.toMatchObject({ name: 'ClosedError' });
    expect(() => bus.subscribe(topic, 'c', () => {})).toThrow('the bus is closed');
    await bus.close();
  });

  test('what is published after close is refused, and so is everything else', async () => {
    const bus = await used.another();
    const topic = used.topic('closed');
    const closed = bus.close();
    await expect(bus.publish(topic, 'late')).rejects.toMatchObject({ name: 'ClosedError' });
    await closed;
    await expect(bus.publish(topic, 'late')).rejects.toMatchObject({ name: 'ClosedError' });
    await expect(bus.cancel(topic, 'x')).rejects.toMatchObject({ name: 'ClosedError' });
    await expect(bus.ack('r')).rejects.toMatchObject({ name: 'ClosedError' });
    await expect(bus.request(topic, 'late')).rejects.toMatchObject({ name: 'ClosedError' });
    await expect(bus.pull(topic, 'c').next()).rejects.toMatchObject({ name: 'ClosedError' });
    await expect(bus.lock(topic, '1s')).rejects.toMatchObject({ name: 'ClosedError' });
  });

  test('a handler that outlives the stop loses its message to others, and its signal says so', async () => {
    const topic = used.topic('left');
    const aborted = new Latch();
    const hang = async ({ signal }: Message) => {
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
      aborted.open();
      await new Promise(() => {});
    };
    const first = await Inbox.open(used.bus, topic, 'c', hang);
    await used.bus.publish(topic, 'a');
    await first.got(1);
    await first.stop(0);
    await aborted.opened;
    const second = await Inbox.open(used.bus, topic, 'c');
    const [message] = await second.got(1);
    expect(message).toMatchObject({ attempt: 2 });
    await second.stop();
  });
}
