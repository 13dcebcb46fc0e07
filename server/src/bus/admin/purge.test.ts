import { beforeEach, expect, test } from 'vitest';
import type { EmbeddedFixture } from '../../fixture/embedded.js';
import { messages } from '../../fixture/incoming.js';
import { oneChannel } from '../../fixture/one-channel.js';
import type { Channel } from '../../model/channel.js';
import type { Broker, FrameSink } from '../../ports/broker.js';
import type { Bus } from '../bus.js';
import { NonceSource } from '../ids.js';
import { purgeQueue } from './purge.js';

let fixture: EmbeddedFixture;
let bus: Bus;
let channel: Channel;

beforeEach(async () => {
  ({ fixture, bus, channel } = await oneChannel());
});

const now = () => fixture.clock.now();
const publish = (...ids: string[]) => bus.publish(messages('orders', ...ids), 'messages', now() + 5_000);
/** Time passes meanwhile, as a queue that stays quiet is waited for. */
async function purge(before: number, broker: Pick<Broker, 'consume' | 'publish'> = fixture.broker) {
  const { clock, ledger, engine } = fixture;
  const parts = { clock, broker, ledger, queues: engine.queues, nonces: new NonceSource(), termsOf: bus.termsOf };
  const passing = setInterval(() => clock.advance(20), 10);
  try {
    return await purgeQueue(parts, channel, { before, until: now() + 3_000 });
  } finally {
    clearInterval(passing);
  }
}

/** A frame of an old and a newer message. Answers the time between them. */
async function publishMixed(): Promise<number> {
  const { broker, clock } = fixture;
  broker.intercept = async () => 'routed';
  await publish('old');
  clock.advance(1_000);
  const border = now();
  await publish('new');
  broker.intercept = (_frame, _to, real) => real();
  const both = broker.frames.splice(0).flatMap((frame) => frame.messages);
  expect(both.map(({ id }) => id)).toEqual(['old', 'new']);
  await broker.publish({ topic: 'orders', messages: both, verify: false }, { channel });
  broker.frames.length = 0;
  return border;
}

test('what is newer goes back into the queue marked to be verified: its frame may come again, too', async () => {
  const border = await publishMixed();
  const { count } = await purge(border);
  expect(count).toBe(1);
  const [anew] = fixture.broker.frames;
  expect(anew?.messages.map(({ id }) => id)).toEqual(['new']);
  expect(anew?.verify).toBe(true);
});

test('a frame stays in the queue when what is newer in it finds no way back', async () => {
  const border = await publishMixed();
  fixture.broker.intercept = async () => 'unroutable';
  const { count } = await purge(border);
  expect(count).toBe(0);
  expect(fixture.broker.acked).toBe(0);
  expect((await fixture.engine.queues.depth(channel)).frames).toBe(1);
});

test('frames that are on their way when the queue is seen empty are purged too', async () => {
  await publish('a', 'b');
  const slow = (sink: FrameSink): FrameSink => ({
    frame: (delivery) => void setTimeout(() => sink.frame(delivery), 150),
    lost: () => sink.lost(),
  });
  const broker = fixture.broker;
  const late: Pick<Broker, 'consume' | 'publish'> = {
    publish: (...args) => broker.publish(...args),
    consume: (of, sink) => broker.consume(of, slow(sink)),
  };
  const { count, complete } = await purge(now() + 1, late);
  expect({ count, complete }).toEqual({ count: 2, complete: true });
});
