import { expect, test } from 'vitest';
import type { RabbitBroker } from '../../server/src/adapters/broker-rabbitmq/broker.js';
import { sharedServices } from '../support/services.js';
import { until } from '../support/until.js';
import { acking, channelOf, frameOf, freshPrefix, Inbox, LogLines, otherProgram, startBroker } from './rabbit-lab.js';

const url = sharedServices().rabbitmq;

async function consuming(broker: RabbitBroker, channel = channelOf('orders'), inbox = new Inbox(acking), frames = 100) {
  await broker.declare(channel);
  const consumer = broker.consume(channel, inbox);
  consumer.prefetch(frames);
  return { channel, inbox, consumer };
}

test('a frame that a queue took is routed, and arrives as it was', async () => {
  const broker = await startBroker({ url });
  const { inbox } = await consuming(broker);
  const frame = frameOf('orders', 'a', 'b');
  expect(await broker.publish(frame, { topic: 'orders' })).toBe('routed');
  expect(await broker.publish(frameOf('orders', 'alone'), { topic: 'orders' })).toBe('routed');
  await inbox.until(({ ids }) => ids.length === 3);
  expect(inbox.ids).toEqual(['a', 'b', 'alone']);
  expect(inbox.frames.map(({ verify }) => verify)).toEqual([false, false]);
  expect(inbox.frames[0]?.messages[0]?.wire).toEqual(frame.messages[0]?.wire);
});

test('a frame that no queue wants is unroutable, by topic and to a channel that is not there', async () => {
  const broker = await startBroker({ url });
  expect(await broker.publish(frameOf('nobody', 'a', 'b'), { topic: 'nobody' })).toBe('unroutable');
  expect(await broker.publish(frameOf('nobody', 'a'), { channel: channelOf('nobody') })).toBe('unroutable');
});

test('thousands of publishes in flight, every third unroutable, get each their own answer', async () => {
  const broker = await startBroker({ url });
  await broker.declare(channelOf('wanted'));
  const topics = Array.from({ length: 6_000 }, (_, n) => (n % 3 === 0 ? 'unwanted' : 'wanted'));
  // Under ids that repeat: an answer is found by the publish, not by the id.
  const answers = await Promise.all(
    topics.map((topic, n) => broker.publish(frameOf(topic, `id-${n % 10}`, ...(n % 2 ? ['x'] : [])), { topic })),
  );
  expect(answers).toEqual(topics.map((topic) => (topic === 'wanted' ? 'routed' : 'unroutable')));
});

test('every channel of a topic gets its copy, by name or by pattern', async () => {
  const broker = await startBroker({ url });
  const inboxes = await Promise.all(
    [
      channelOf('orders.eu.new', 'one'),
      channelOf('orders.eu.new', 'two'),
      channelOf('orders.*.new'),
      channelOf('orders.#'),
      channelOf('orders.*'),
    ].map(async (channel) => (await consuming(broker, channel)).inbox),
  );
  await broker.publish(frameOf('orders.eu.new', 'a'), { topic: 'orders.eu.new' });
  await broker.publish(frameOf('orders', 'last'), { topic: 'orders' });
  await broker.publish(frameOf('orders.us', 'other'), { topic: 'orders.us' });
  const [one, two, star, hash, short] = inboxes;
  await one?.until(({ ids }) => ids.length === 1);
  await two?.until(({ ids }) => ids.length === 1);
  await star?.until(({ ids }) => ids.length === 1);
  await hash?.until(({ ids }) => ids.length === 3);
  await short?.until(({ ids }) => ids.length === 1);
  expect(inboxes.map((inbox) => inbox.ids)).toEqual([['a'], ['a'], ['a'], ['a', 'last', 'other'], ['other']]);
});

test('a frame sent to one channel reaches no other channel of its topic', async () => {
  const broker = await startBroker({ url });
  const one = await consuming(broker, channelOf('orders', 'one'));
  const two = await consuming(broker, channelOf('orders', 'two'));
  expect(await broker.publish(frameOf('orders', 'direct'), { channel: two.channel })).toBe('routed');
  await broker.publish(frameOf('orders', 'both'), { topic: 'orders' });
  await one.inbox.until(({ ids }) => ids.includes('both'));
  await two.inbox.until(({ ids }) => ids.includes('both'));
  expect([one.inbox.ids, two.inbox.ids]).toEqual([['both'], ['direct', 'both']]);
});

test('frames of one topic arrive in the order in which they were published', async () => {
  const broker = await startBroker({ url });
  const { inbox } = await consuming(broker);
  const ids = Array.from({ length: 2_000 }, (_, n) => `${n}`);
  await Promise.all(ids.map((id) => broker.publish(frameOf('orders', id), { topic: 'orders' })));
  await inbox.until((all) => all.ids.length === ids.length);
  expect(inbox.ids).toEqual(ids);
});

test.each(['quorum', 'classic'] as const)(
  'on a %s queue a frame may be given back often, and then says that it must be verified',
  async (queueType) => {
    const broker = await startBroker({ url, queueType });
    let returns = 0;
    const inbox = new Inbox((delivery) => (++returns <= 30 ? delivery.requeue() : delivery.ack()));
    await consuming(broker, channelOf('orders'), inbox);
    await broker.publish(frameOf('orders', 'a', 'b'), { topic: 'orders' });
    await inbox.until(({ frames }) => frames.length === 31);
    expect(inbox.frames.map(({ verify }) => verify)).toEqual([false, ...Array(30).fill(true)]);
  },
);

test('a consumer gets nothing before prefetch is called, and never more than it says', async () => {
  const broker = await startBroker({ url });
  const inbox = new Inbox();
  const { consumer, channel } = await consuming(broker, channelOf('orders'), inbox, 0);
  for (let n = 0; n < 50; n++) await broker.publish(frameOf('orders', `${n}`), { topic: 'orders' });
  const other = await otherProgram(url);
  const ready = async () => (await other.checkQueue(queueOf(broker, channel.topic))).messageCount;
  await until(async () => expect(await ready()).toBe(50), 5_000);
  expect(inbox.frames).toHaveLength(0);

  consumer.prefetch(10);
  await inbox.until(({ frames }) => frames.length === 10);
  consumer.prefetch(30);
  await inbox.until(({ frames }) => frames.length === 30);
  expect(await ready()).toBe(20);

  // Less than is held: nothing new comes until enough is settled.
  consumer.prefetch(5);
  for (const frame of inbox.frames.slice(0, 25)) frame.ack();
  expect(inbox.frames).toHaveLength(30);
  inbox.frames[25]?.ack();
  await inbox.until(({ frames }) => frames.length === 31);

  consumer.prefetch(0);
  for (const frame of inbox.frames.slice(26)) frame.ack();
  await until(
    async () => expect((await other.checkQueue(queueOf(broker, channel.topic))).consumerCount).toBe(0),
    5_000,
  );
  const before = inbox.frames.length;
  await broker.publish(frameOf('orders', 'later'), { topic: 'orders' });
  expect(inbox.frames).toHaveLength(before);
  consumer.prefetch(100);
  await inbox.until(({ ids }) => ids.includes('later'));
});

test('credit that swings costs few changes of the prefetch, and none gets lost', async () => {
  const broker = await startBroker({ url });
  const { consumer, inbox, channel } = await consuming(broker);
  const sent = 400;
  for (let n = 0; n < sent; n++) {
    consumer.prefetch(n % 7 === 0 ? 0 : 20 + (n % 90));
    await broker.publish(frameOf('orders', `${n}`), { topic: 'orders' });
  }
  consumer.prefetch(100);
  await inbox.until(({ ids }) => new Set(ids).size === sent);
  const other = await otherProgram(url);
  await until(
    async () =>
      expect(await other.checkQueue(queueOf(broker, channel.topic))).toMatchObject({
        messageCount: 0,
        consumerCount: 1,
      }),
    5_000,
  );
});

test('after stop nothing new comes, and what was delivered can still be settled', async () => {
  const broker = await startBroker({ url });
  const { consumer, inbox, channel } = await consuming(broker, channelOf('orders'), new Inbox());
  await broker.publish(frameOf('orders', 'a'), { topic: 'orders' });
  await broker.publish(frameOf('orders', 'b'), { topic: 'orders' });
  await inbox.until(({ frames }) => frames.length === 2);
  await consumer.stop();
  await consumer.stop();
  await broker.publish(frameOf('orders', 'c'), { topic: 'orders' });
  inbox.frames[0]?.ack();
  inbox.frames[1]?.requeue();
  const next = await consuming(broker, channel);
  await next.inbox.until(({ ids }) => ids.length === 2);
  expect(next.inbox.ids.sort()).toEqual(['b', 'c']);
  expect(inbox.ids).toEqual(['a', 'b']);
});

test('a queue that exists with other arguments is a conflict that names both, and harms nobody else', async () => {
  const prefix = freshPrefix();
  const quorum = await startBroker({ url, prefix });
  await quorum.declare(channelOf('orders'));
  const lines = new LogLines();
  const classic = await startBroker({ url, prefix, queueType: 'classic', logger: lines });
  const [refused, other] = await Promise.allSettled([
    classic.declare(channelOf('orders')),
    classic.declare(channelOf('letters')),
  ]);
  expect(refused).toMatchObject({ reason: { reason: 'QUEUE_CONFLICT' } });
  const text = refused.status === 'rejected' ? String(refused.reason) : '';
  expect(text).toContain(`queue "${prefix}/orders/worker" exists with x-queue-type quorum`);
  expect(text).toContain('asks for classic');
  expect(other.status).toBe('fulfilled');
  const { inbox } = await consuming(classic, channelOf('letters'));
  await classic.publish(frameOf('letters', 'a'), { topic: 'letters' });
  await inbox.until(({ ids }) => ids.length === 1);
  expect(classic.health()).toBeUndefined();
});

test('a queue that is deleted under its consumer is made anew, and its consumer goes on', async () => {
  const broker = await startBroker({ url });
  const { inbox, channel } = await consuming(broker, channelOf('orders'), new Inbox());
  await broker.publish(frameOf('orders', 'a'), { topic: 'orders' });
  await inbox.until(({ ids }) => ids.length === 1);
  const other = await otherProgram(url);
  await other.deleteQueue(queueOf(broker, channel.topic));
  await inbox.until(({ losses }) => losses === 1);
  // Void: neither throws nor harms.
  inbox.frames[0]?.ack();
  await until(
    async () => expect(await broker.publish(frameOf('orders', 'b'), { topic: 'orders' })).toBe('routed'),
    10_000,
  );
  await inbox.until(({ ids }) => ids.includes('b'));
  expect(inbox.losses).toBe(1);
});

test('an exchange that is deleted under the publisher is made anew', async () => {
  const broker = await startBroker({ url });
  await broker.declare(channelOf('orders'));
  const other = await otherProgram(url);
  await other.deleteExchange(broker.prefix);
  await until(
    async () => expect(await broker.publish(frameOf('orders', 'a'), { topic: 'orders' })).toBe('unroutable'),
    10_000,
  );
  await broker.declare(channelOf('orders'));
  expect(await broker.publish(frameOf('orders', 'b'), { topic: 'orders' })).toBe('routed');
});

test('messages of other programs and bytes that nobody can read are delivered, and can be acked', async () => {
  const broker = await startBroker({ url });
  const { inbox, channel } = await consuming(broker, channelOf('#'));
  const other = await otherProgram(url);
  const headers = { deep: { er: [1, { x: true }] }, when: { '!': 'timestamp', value: 1 } };
  other.publish(broker.prefix, 'orders.new', Buffer.from('plain'));
  other.publish(broker.prefix, 'no topic/at all', Buffer.from(''), { headers });
  other.sendToQueue(queueOf(broker, channel.topic), Buffer.from('garbage'), {
    contentType: 'application/vnd.waybill.frame',
  });
  await inbox.until(({ frames }) => frames.length === 3);
  expect(inbox.frames.map(({ messages }) => messages[0]?.topic)).toEqual([
    'orders.new',
    'amqp.invalid-topic',
    'amqp.invalid-topic',
  ]);
  await until(async () => expect((await other.checkQueue(queueOf(broker, '#'))).messageCount).toBe(0), 5_000);
  await broker.publish(frameOf('orders', 'ours'), { topic: 'orders' });
  await inbox.until(({ ids }) => ids.includes('ours'));
});

test('a wrong password, an unknown virtual host and an absent broker are told in clear words without secrets', async () => {
  const health = async (change: (url: URL) => void) => {
    const wrong = new URL(url);
    change(wrong);
    return (await startBroker({ url: wrong.href })).health() ?? '';
  };
  const host = new URL(url).host;
  expect(await health((wrong) => Object.assign(wrong, { username: 'someone', password: 's3cret' }))).toBe(
    `RabbitMQ at ${host} refuses the user "someone": the user name or the password is wrong`,
  );
  expect(await health((wrong) => Object.assign(wrong, { pathname: '/nowhere' }))).toContain('virtual host "nowhere"');
  expect(await health((wrong) => Object.assign(wrong, { port: '1', password: 's3cret' }))).toMatch(
    /^RabbitMQ at [^ ]+ cannot be used: connect ECONNREFUSED [^ ]+:1$/,
  );
});

test('a broker that is away: publishes and declares wait until their signal, up to the bound, and stop ends the rest', async () => {
  const away = new URL(url);
  away.port = '1';
  const broker = await startBroker({ url: away.href, maxPendingBytes: 1_000 });
  const signal = AbortSignal.timeout(200);
  const publish = broker.publish(frameOf('orders', 'x'.repeat(100)), { topic: 'orders' }, signal);
  const declare = broker.declare(channelOf('orders'), signal);
  const endless = broker.publish(frameOf('orders', 'y'.repeat(100)), { topic: 'orders' });
  const many = Array.from({ length: 20 }, () =>
    broker.publish(frameOf('orders', 'z'.repeat(100)), { topic: 'orders' }, signal),
  );
  const outcomes = await Promise.allSettled([publish, declare, ...many]);
  const reasons = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.reason : outcome.status));
  expect(reasons.slice(0, 2)).toEqual(['BROKER_UNAVAILABLE', 'BROKER_UNAVAILABLE']);
  expect(reasons.at(-1)).toBe('OVERLOADED');
  // What was given up makes room.
  const later = broker.publish(frameOf('orders', 'a'.repeat(100)), { topic: 'orders' });
  await broker.stop();
  await expect(endless).rejects.toMatchObject({ reason: 'BROKER_UNAVAILABLE' });
  await expect(later).rejects.toMatchObject({ reason: 'BROKER_UNAVAILABLE' });
});

test('hundreds of channels share a few AMQP channels', async () => {
  const broker = await startBroker({ url, queueType: 'classic' });
  const all = await Promise.all(Array.from({ length: 200 }, (_, n) => consuming(broker, channelOf(`topic-${n}`))));
  await Promise.all(all.map((_, n) => broker.publish(frameOf(`topic-${n}`, `id-${n}`), { topic: `topic-${n}` })));
  await Promise.all(all.map(({ inbox }, n) => inbox.until(({ ids }) => ids[0] === `id-${n}`)));
});

function queueOf(broker: RabbitBroker, topic: string): string {
  return `${broker.prefix}/${topic}/worker`;
}

test('a queue that messages came into is not removed, unless they may go with it', async () => {
  const broker = await startBroker({ url });
  const channel = channelOf('removed');
  await broker.declare(channel);
  expect(await broker.publish(frameOf('removed', 'a'), { topic: 'removed' })).toBe('routed');
  await until(async () => expect((await broker.queues.depth(channel)).frames).toBe(1), 10_000);
  const refused = { reason: 'CHANNEL_NOT_EMPTY', field: 'purge' };
  await expect(broker.queues.remove(channel, { withContents: false })).rejects.toMatchObject(refused);
  expect((await broker.queues.depth(channel)).frames).toBe(1);
  await broker.queues.remove(channel, { withContents: true });
  expect(await broker.publish(frameOf('removed', 'b'), { topic: 'removed' })).toBe('unroutable');
});

test('while the broker is away, those who ask for the depths of queues all learn it in the time of one', async () => {
  const broker = await startBroker({ url: 'amqp://127.0.0.1:1' });
  const began = performance.now();
  const asked = Array.from({ length: 20 }, (_, i) => broker.queues.depth(channelOf(`away-${i}`)));
  for (const outcome of await Promise.allSettled(asked)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { reason: 'BROKER_UNAVAILABLE' } });
  }
  expect(performance.now() - began).toBeLessThan(8_000);
  await expect(broker.queues.depth(channelOf('away'), AbortSignal.abort())).rejects.toMatchObject({
    reason: 'BROKER_UNAVAILABLE',
  });
});
