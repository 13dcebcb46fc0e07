import { expect, test } from 'vitest';
import { Latch } from '../inbox.js';
import type { UsedTransport } from '../use-transport.js';

/** Request and reply, and locks. */
export function asking(used: UsedTransport): void {
  test('a request is answered with what the responder returns, or with its error', async () => {
    const topic = used.topic('prices');
    const service = used.bus.serve(
      topic,
      'service',
      (message) => {
        if (message.text() === 'nothing') throw new Error('no such fruit');
        return { price: message.text().length };
      },
      { onError() {} },
    );
    await service.ready;
    const reply = await used.bus.request(topic, 'apple', { timeout: '20s' });
    expect(reply.json()).toEqual({ price: 5 });
    const failing = used.bus.request(topic, 'nothing', { timeout: '20s' });
    await expect(failing).rejects.toMatchObject({
      name: 'ReplyError',
      message: expect.stringContaining('no such fruit'),
    });
    await service.stop();
    const unheard = used.bus.request(topic, 'apple', { timeout: 50 });
    await expect(unheard).rejects.toMatchObject({ name: 'DeadlineError', reason: 'NO_REPLY' });
  });

  test('one holder at a time has a lock, with a higher fence than the one before', async () => {
    const name = used.topic('lock');
    let running = 0;
    let most = 0;
    const fences: number[] = [];
    const work = async ({ fence }: { readonly fence: number }) => {
      most = Math.max(most, ++running);
      fences.push(fence);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    };
    await Promise.all(Array.from({ length: 5 }, () => used.bus.withLock(name, '10s', work)));
    expect(most).toBe(1);
    expect(fences).toEqual(fences.toSorted((one, other) => one - other));
    expect(new Set(fences).size).toBe(5);
  });

  test('a lock that is held is refused at once, or waited for', async () => {
    const name = used.topic('lock');
    const held = await used.bus.lock(name, '10s');
    await expect(used.bus.lock(name, '10s', { wait: 0 })).rejects.toMatchObject({ name: 'LockHeldError' });
    await expect(used.bus.lock(name, '10s', { wait: 20 })).rejects.toMatchObject({ name: 'LockHeldError' });
    const next = used.bus.lock(name, '10s');
    await held.release();
    await held.release();
    expect((await next).fence).toBeGreaterThan(held.fence);
    await (await next).release();
  });

  test('who waits for a lock can give up', async () => {
    const name = used.topic('lock');
    const held = await used.bus.lock(name, '10s');
    const abort = new AbortController();
    const given = used.bus.lock(name, '10s', { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    await held.release();
  });

  test('a lock is released when its function throws', async () => {
    const name = used.topic('lock');
    const entered = new Latch();
    const failing = used.bus.withLock(name, '10s', () => {
      entered.open();
      throw new RangeError('no');
    });
    await expect(failing).rejects.toThrow(RangeError);
    await entered.opened;
    await (await used.bus.lock(name, '10s', { wait: 0 })).release();
  });
}
