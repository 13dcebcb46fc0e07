import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Channel } from '../../server/src/model/channel.js';
import type { FrameDelivery } from '../../server/src/ports/broker.js';
import { type RabbitService, startRabbit } from '../support/services.js';
import { until } from '../support/until.js';
import { lostDeliveries, silentChannels } from './amqp-proxy.js';
import { acking, channelOf, frameOf, freshPrefix, Inbox, messageOf, startBroker } from './rabbit-lab.js';

/** These tests end, freeze and starve their broker. */
let rabbit: RabbitService;
beforeAll(async () => {
  rabbit = await startRabbit();
});
afterAll(() => rabbit.remove());

/** The channel's queue has no leader until `restart` is called. */
async function stopLeader(prefix: string, { topic, name }: Channel): Promise<() => Promise<unknown>> {
  const member = `{'%2F_${prefix}/${topic}/${name}', node()}`;
  await rabbit.ctl('eval', `ra:stop_server(quorum_queues, ${member}).`);
  return () => rabbit.ctl('eval', `ra:restart_server(quorum_queues, ${member}).`);
}

test('every frame that was routed while the broker was killed twice is there afterwards', async () => {
  const broker = await startBroker({ url: rabbit.url });
  const channel = channelOf('kept');
  await broker.declare(channel);
  const routed = new Set<string>();
  let failed = 0;
  let next = 0;
  // Few enough to be read again in a moment; not all in step, so that some are always under way.
  const pace = () => 10 * Math.random();
  let publishing = true;
  const worker = async () => {
    while (publishing) {
      const ids = [`a-${next}`, `b-${next}`].slice(0, 1 + (next++ % 2));
      await broker.publish(frameOf('kept', ...ids), { topic: 'kept' }).then(
        (answer) => {
          expect(answer).toBe('routed');
          for (const id of ids) routed.add(id);
        },
        (error: unknown) => {
          expect(error).toMatchObject({ reason: 'BROKER_UNAVAILABLE', retryable: true });
          failed++;
        },
      );
      await delay(pace());
    }
  };
  onTestFinished(() => {
    publishing = false;
  });
  const workers = Array.from({ length: 20 }, worker);
  // RabbitMQ syncs the term of a quorum queue some seconds after it made the queue; one that is killed before that comes back
  // without a leader, and stays so (rabbitmq-server#10070).
  await delay(7_000);
  for (let round = 1; round <= 2; round++) {
    const before = routed.size;
    await until(async () => expect(routed.size).toBeGreaterThan(before + 500), 20_000);
    await rabbit.kill();
    expect(broker.health()).toBeDefined();
    await rabbit.start();
    const after = routed.size;
    await until(async () => expect(routed.size).toBeGreaterThan(after + 500), 30_000);
  }
  publishing = false;
  await Promise.all(workers);
  expect(failed).toBeGreaterThan(0);
  const inbox = new Inbox(acking);
  broker.consume(channel, inbox).prefetch(500);
  const got = new Set<string>();
  await inbox.until(({ frames }) => {
    for (const { messages } of frames.splice(0)) for (const { id } of messages) got.add(id);
    return [...routed].every((id) => got.has(id));
  });
}, 180_000);

test('a channel that confirms nothing, and does not close, is not waited for while its connection lives', async () => {
  const proxy = await silentChannels(rabbit.url);
  const broker = await startBroker({ url: proxy.url });
  const channel = channelOf('silent');
  await broker.declare(channel);
  expect(await broker.publish(frameOf('silent', 'a'), { topic: 'silent' })).toBe('routed');
  proxy.silence();
  await expect(broker.publish(frameOf('silent', 'b'), { topic: 'silent' })).rejects.toMatchObject({
    reason: 'BROKER_UNAVAILABLE',
  });
  expect(await broker.publish(frameOf('silent', 'c'), { topic: 'silent' })).toBe('routed');
});

test('a delivery that the broker made and that never came is made again, when all is quiet', async () => {
  const proxy = await lostDeliveries(rabbit.url);
  const broker = await startBroker({ url: proxy.url, renewal: { quietMs: 1_000, ageMs: 600_000 } });
  const channel = channelOf('orphaned');
  await broker.declare(channel);
  const inbox = new Inbox(acking);
  broker.consume(channel, inbox).prefetch(10);
  await broker.publish(frameOf('orphaned', 'a'), { topic: 'orphaned' });
  await inbox.until(({ ids }) => ids.length === 1);
  proxy.lose(2);
  for (const id of ['b', 'c', 'd']) await broker.publish(frameOf('orphaned', id), { topic: 'orphaned' });
  await inbox.until(({ ids }) => ids.length === 4);
  expect(proxy.lost).toBe(2);
  expect(inbox.ids.slice(0, 2)).toEqual(['a', 'd']);
  expect(inbox.frames.slice(2).every(({ verify }) => verify)).toBe(true);
  expect(inbox.losses).toBe(0);
});

test('the same while a consumer is busy: what it holds stays its own, and can be settled', async () => {
  const proxy = await lostDeliveries(rabbit.url);
  const broker = await startBroker({ url: proxy.url, renewal: { quietMs: 600_000, ageMs: 2_000 } });
  const channel = channelOf('busy');
  await broker.declare(channel);
  const inbox = new Inbox();
  broker.consume(channel, inbox).prefetch(10);
  proxy.lose(1);
  for (const id of ['lost', 'slow']) await broker.publish(frameOf('busy', id), { topic: 'busy' });
  await inbox.until(({ ids }) => ids.includes('slow'));
  // It is held past the time for a renewal. What was lost waits for its end: the broker takes back whole channels only.
  const later = performance.now() + 5_000;
  for (let next = 0; performance.now() < later; next++) {
    await broker.publish(frameOf('busy', `other-${next}`), { topic: 'busy' });
    await inbox.until(({ ids }) => ids.includes(`other-${next}`));
    inbox.frames.at(-1)?.ack();
    await delay(20);
  }
  expect(inbox.ids).not.toContain('lost');
  inbox.frames.find(({ messages }) => messages[0]?.id === 'slow')?.ack();
  await inbox.until(({ ids }) => ids.includes('lost'));
  inbox.frames.at(-1)?.ack();
  expect(inbox.losses).toBe(0);
  expect(inbox.ids.length).toBe(new Set(inbox.ids).size);
});

test('renewals under load lose no frame, and deliver none twice', async () => {
  const broker = await startBroker({ url: rabbit.url, renewal: { quietMs: 0, ageMs: 0 } });
  const channels = Array.from({ length: 20 }, (_, index) => channelOf('flow', `worker-${index}`));
  await Promise.all(channels.map((channel) => broker.declare(channel)));
  const slowly = (delivery: FrameDelivery) => void setTimeout(() => delivery.ack(), 30 * Math.random());
  const inboxes = channels.map(() => new Inbox(slowly));
  channels.forEach((channel, index) => {
    const consumer = broker.consume(channel, inboxes[index] ?? new Inbox());
    consumer.prefetch(5 + (index % 5) * 10);
  });
  const frames = 2_000;
  for (let next = 0; next < frames; next += 10) {
    const batch = Array.from({ length: 10 }, (_, index) => frameOf('flow', `${next + index}`));
    await Promise.all(batch.map((frame) => broker.publish(frame, { topic: 'flow' })));
    await delay(25);
  }
  await Promise.all(inboxes.map((inbox) => inbox.until(({ ids }) => ids.length >= frames)));
  for (const inbox of inboxes) {
    expect(inbox.losses).toBe(0);
    expect(inbox.ids.length).toBe(new Set(inbox.ids).size);
  }
  expect(broker.connections()).toEqual({ connects: 2, open: 2 });
});

test('the channel stays as it is while one of its queues has no leader, which would cost all their connection', async () => {
  const prefix = freshPrefix();
  const broker = await startBroker({ url: rabbit.url, prefix, renewal: { quietMs: 500, ageMs: 500 } });
  // More of them than there are AMQP channels, so that each channel has one like the first and one like the second.
  const [dead, living] = [channelOf('dead'), channelOf('living')];
  const inbox = new Inbox(acking);
  for (const channel of [dead, living]) await broker.declare(channel);
  broker.consume(dead, new Inbox(acking)).prefetch(10);
  for (let count = 0; count < 32; count++) broker.consume(living, inbox).prefetch(1);
  await until(async () => expect(await broker.queues.consumers(living)).toBe(32), 10_000);
  await until(async () => expect(await broker.queues.consumers(dead)).toBe(1), 10_000);
  const restart = await stopLeader(prefix, dead);
  expect(await broker.queues.consumers(dead)).toBe(0);
  const { connects } = broker.connections();
  for (let round = 0; round < 10; round++) {
    await broker.publish(frameOf('living', `message-${round}`), { topic: 'living' });
    await inbox.until(({ ids }) => ids.length > round);
    await delay(400);
  }
  expect(broker.connections().connects).toBe(connects);
  await restart();
});

test('a queue without a leader keeps no other from its consumers, and is consumed when it has one', async () => {
  const prefix = freshPrefix();
  const broker = await startBroker({ url: rabbit.url, prefix });
  const [dead, living] = [channelOf('dead'), channelOf('living')];
  for (const channel of [dead, living]) await broker.declare(channel);
  await broker.publish(frameOf('dead', 'kept'), { topic: 'dead' });
  const restart = await stopLeader(prefix, dead);
  const inbox = new Inbox(acking);
  for (let count = 0; count < 16; count++) broker.consume(living, inbox).prefetch(1);
  await until(async () => expect(await broker.queues.consumers(living)).toBe(16), 10_000);
  const patient = new Inbox(acking);
  broker.consume(dead, patient).prefetch(1);
  // RabbitMQ ends the connection once, and not again.
  await until(async () => expect(broker.connections()).toEqual({ connects: 3, open: 2 }), 10_000);
  for (let round = 0; round < 10; round++) {
    await broker.publish(frameOf('living', `message-${round}`), { topic: 'living' });
    await inbox.until(({ ids }) => new Set(ids).size > round);
    await delay(200);
  }
  expect(broker.connections()).toEqual({ connects: 3, open: 2 });
  expect(patient.ids).toEqual([]);
  await restart();
  await patient.until(({ ids }) => ids.length === 1);
  expect(patient.ids).toEqual(['kept']);
  expect(broker.connections()).toEqual({ connects: 3, open: 2 });
});

test('a consumer loses its frames once when the broker stops, and gets them again, to be verified, when it is back', async () => {
  const broker = await startBroker({ url: rabbit.url });
  const channel = channelOf('resumed');
  await broker.declare(channel);
  const inbox = new Inbox();
  broker.consume(channel, inbox).prefetch(10);
  await broker.publish(frameOf('resumed', 'a'), { topic: 'resumed' });
  await broker.publish(frameOf('resumed', 'b'), { topic: 'resumed' });
  await inbox.until(({ frames }) => frames.length === 2);
  await rabbit.stop();
  await inbox.until(({ losses }) => losses === 1);
  for (const frame of inbox.frames) frame.ack();
  const waiting = broker.publish(frameOf('resumed', 'c'), { topic: 'resumed' });
  await rabbit.start();
  expect(await waiting).toBe('routed');
  await inbox.until(({ frames }) => frames.length === 5);
  expect(inbox.losses).toBe(1);
  expect(inbox.ids.slice(2).sort()).toEqual(['a', 'b', 'c']);
  const again = inbox.frames.slice(2).filter(({ messages }) => messages[0]?.id !== 'c');
  expect(again.map(({ verify }) => verify)).toEqual([true, true]);
  for (const frame of inbox.frames.slice(2)) frame.ack();
  await until(async () => expect(broker.health()).toBeUndefined(), 10_000);
}, 120_000);

test('an alarm of the broker makes publishes wait, shows in the health, and lets consumers go on', async () => {
  const broker = await startBroker({ url: rabbit.url, maxPendingBytes: 100_000 });
  const channel = channelOf('alarmed');
  await broker.declare(channel);
  const inbox = new Inbox(acking);
  for (let n = 0; n < 20; n++) await broker.publish(frameOf('alarmed', `before-${n}`), { topic: 'alarmed' });
  await rabbit.ctl('set_vm_memory_high_watermark', '0.00001');
  try {
    // The broker says that it is blocked once it is published to.
    const pending = [broker.publish(frameOf('alarmed', 'first'), { topic: 'alarmed' })];
    await until(async () => expect(broker.health()).toContain('takes no messages now'), 20_000);
    const body = Buffer.alloc(30_000);
    const frame = (id: string) => ({ topic: 'alarmed', messages: [messageOf('alarmed', id, body)], verify: false });
    pending.push(broker.publish(frame('second'), { topic: 'alarmed' }));
    await expect(broker.publish(frame('late'), { topic: 'alarmed' }, AbortSignal.timeout(200))).rejects.toMatchObject({
      reason: 'BROKER_UNAVAILABLE',
    });
    pending.push(broker.publish(frame('third'), { topic: 'alarmed' }));
    await expect(
      Promise.all(
        [1, 2, 3].map((n) => broker.publish(frame(`over-${n}`), { topic: 'alarmed' }, AbortSignal.timeout(200))),
      ),
    ).rejects.toMatchObject({ reason: 'OVERLOADED' });
    broker.consume(channel, inbox).prefetch(5);
    await inbox.until(({ ids }) => ids.includes('before-19'));
    expect(inbox.ids).not.toContain('second');
    await rabbit.ctl('set_vm_memory_high_watermark', '0.6');
    expect(await Promise.all(pending)).toEqual(['routed', 'routed', 'routed']);
    await inbox.until(({ ids }) => ids.includes('third'));
    expect(inbox.ids).not.toContain('late');
    expect(broker.health()).toBeUndefined();
  } finally {
    await rabbit.ctl('set_vm_memory_high_watermark', '0.6');
  }
}, 120_000);

test('a frozen broker is noticed by its silence, and stop does not wait for it', async () => {
  const broker = await startBroker({ url: rabbit.url, heartbeatSeconds: 1 });
  await broker.declare(channelOf('frozen'));
  await rabbit.pause();
  try {
    const publish = broker.publish(frameOf('frozen', 'a'), { topic: 'frozen' });
    await expect(publish).rejects.toMatchObject({ reason: 'BROKER_UNAVAILABLE' });
    expect(broker.health()).toBeDefined();
    await broker.stop();
  } finally {
    await rabbit.resume();
  }
}, 60_000);

test('any node of several will do, and health tells of each while none does', async () => {
  const away = new URL(rabbit.url);
  away.port = '1';
  const brokers = await Promise.all([1, 2, 3, 4].map(() => startBroker({ url: [away.href, rabbit.url] })));
  for (const broker of brokers) expect(broker.health()).toBeUndefined();
  const [broker] = brokers;
  await rabbit.kill();
  await until(async () => {
    expect(broker?.health()).toMatch(/^RabbitMQ at [^ ]+:1 cannot be used: .+; at [^ ]+ cannot be used: .+$/);
  }, 20_000);
  await rabbit.start();
  for (const each of brokers) await until(async () => expect(each.health()).toBeUndefined(), 20_000);
}, 60_000);

test('a channel that nacks is replaced, and loses nothing that it could keep', async () => {
  const broker = await startBroker({ url: rabbit.url });
  await Promise.all(['full', 'roomy'].map((topic) => broker.declare(channelOf(topic))));
  const policy = JSON.stringify({ 'max-length': 1, overflow: 'reject-publish' });
  await rabbit.ctl('set_policy', 'full', `^${broker.prefix}/full/`, policy, '--apply-to', 'queues');
  onTestFinished(async () => {
    await rabbit.ctl('clear_policy', 'full');
  });
  const confirming = async () => (await rabbit.ctl('list_channels', '--quiet', 'pid', 'confirm')).match(/^.+\ttrue$/gm);
  const before = await confirming();
  const answers: Promise<unknown>[] = [];
  await until(async () => {
    answers.push(broker.publish(frameOf('roomy', 'a'), { topic: 'roomy' }));
    const full = await broker.publish(frameOf('full', 'a'), { topic: 'full' }).catch(({ reason }) => reason);
    expect(full).toBe('BROKER_UNAVAILABLE');
    expect(await confirming()).not.toEqual(before);
  }, 30_000);
  expect(new Set(await Promise.all(answers))).toEqual(new Set(['routed']));
}, 60_000);
