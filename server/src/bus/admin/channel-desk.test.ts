import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { TestConsumer } from '../../fixture/consumer.js';
import { EmbeddedFixture, MINUTE_MS } from '../../fixture/embedded.js';
import { messages } from '../../fixture/incoming.js';
import { allShards } from '../../fixture/shards.js';
import type { Channel } from '../../model/channel.js';
import { silentLogger } from '../../ports/logger.js';
import { COUNT_LIMIT } from '../../ports/page.js';
import type { Bus } from '../bus.js';
import { Admin } from './admin.js';

const ALONE = { shards: () => [], callers: () => [] };
const FACTS = { name: 'one', version: '0', engine: 'embedded' };

let fixture: EmbeddedFixture;
let bus: Bus;
let admin: Admin;
let channel: Channel;

beforeEach(async () => {
  fixture = await EmbeddedFixture.create();
  onTestFinished(() => fixture.remove());
  bus = fixture.bus();
  admin = new Admin({ ...fixture.engine, clock: fixture.clock, logger: silentLogger }, bus, FACTS, ALONE);
  channel = await bus.channels.open('orders', 'billing', undefined);
});

const now = () => fixture.clock.now();
const publish = (...ids: string[]) => bus.publish(messages('orders', ...ids), 'messages', now() + 5_000);

/** Time passes meanwhile, as a queue that stays quiet is waited for. */
async function remove(purge: boolean): Promise<number> {
  const passing = setInterval(() => fixture.clock.advance(100), 10);
  try {
    const terms = { purge, dryRun: false, now: now(), until: now() + MINUTE_MS };
    return await admin.channels.delete('orders', 'billing', terms);
  } finally {
    clearInterval(passing);
  }
}

async function makeRetry(): Promise<void> {
  const consumer = new TestConsumer(bus, channel);
  await publish('a');
  await consumer.has(1);
  await consumer.settle({ kind: 'nack', delayMs: 10 * MINUTE_MS, reason: '' }, 'a');
  await consumer.subscription.close('end');
}

test('a purge while the broker takes nothing ends, and says that not all was purged', async () => {
  const consumer = new TestConsumer(bus, channel, { credit: 1 });
  await publish('a', 'b');
  await consumer.has(1);
  fixture.broker.fault = 'it takes no messages now';
  fixture.broker.intercept = () => new Promise(() => {});
  const passing = setInterval(() => fixture.clock.advance(100), 10);
  onTestFinished(() => clearInterval(passing));
  const terms = { now: now() + MINUTE_MS, until: now() + MINUTE_MS };
  expect(await admin.channels.purgeReady(channel, terms)).toEqual({ count: 0, complete: false });
  await consumer.ack('a');
  await consumer.has(2);
  await consumer.subscription.close('end');
});

describe('deleting a channel', () => {
  test('sees the one retry that it has behind more delayed messages than are counted', async () => {
    await makeRetry();
    const [template] = fixture.broker.frames[0]?.messages ?? [];
    if (template === undefined) throw new Error('a message was published');
    const dueAt = now() + 1;
    const crowd = Array.from({ length: COUNT_LIMIT }, (_, i) => ({
      message: { ...template, id: `crowd-${i}`, topic: 'elsewhere' },
      dueAt,
    }));
    await fixture.engine.schedule.add(crowd);
    await expect(remove(false)).rejects.toMatchObject({ reason: 'CHANNEL_NOT_EMPTY' });
    expect(await remove(true)).toBe(1);
    expect(await fixture.engine.backlogs.holding(channel.id)).toMatchObject({ retry: 0 });
  });

  test('waits for a retry that is on its way to the broker: without a channel, it would be so for ever', async () => {
    await makeRetry();
    const { schedule } = fixture.engine;
    fixture.clock.advance(10 * MINUTE_MS);
    const due = await schedule.claim(now(), 10, 60 * MINUTE_MS, allShards(1));
    expect(due).toHaveLength(1);
    const removing = remove(true);
    let removed = false;
    const end = removing.finally(() => {
      removed = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(removed).toBe(false);
    for (const { message } of due) {
      await fixture.broker.publish({ topic: 'orders', messages: [message], verify: true }, { channel });
    }
    await schedule.settle(
      due.map((one) => ({ due: one, how: 'published' as const })),
      now(),
    );
    expect(await end).toBe(1);
    const [record] = await fixture.engine.inspector.recordsAt('a', [{ channel: channel.id, topic: 'orders' }]);
    expect(record?.state).toBe('purged');
  });
});
