import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { BusClient } from '../support/client.js';
import type { Received } from '../support/client-types.js';
import type { ConsumerStream } from '../support/consumer-stream.js';
import { type Gateway, startGateway } from '../support/gateway.js';
import { until } from '../support/until.js';

const MESSAGES = 100_000;
const BODY_BYTES = 10_000;
const SUBSCRIBERS = 200;
const HELD_BYTES = 32 * 1024 * 1024;
/** The gateway keeps a message once, and once more as long as it is on its way; the rest is what V8 leaves uncollected. */
const GROWTH_BYTES = 250 * 1024 * 1024;

function residentBytes({ pid }: Gateway): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

/** Takes what it is given, keeps the receipts alone, and acks when it is told to. */
class SlowConsumer {
  received = 0;
  #open: string[] = [];

  constructor(readonly stream: ConsumerStream) {
    stream.listen((batch: Received[]) => {
      this.received += batch.length;
      for (const { receipt } of batch) this.#open.push(receipt);
      stream.received.length = 0;
    });
  }

  async ack(): Promise<void> {
    const receipts = this.#open;
    this.#open = [];
    if (receipts.length > 0) await this.stream.ack(receipts);
  }
}

test(`${MESSAGES} messages of ${BODY_BYTES} bytes in front of ${SUBSCRIBERS} slow subscribers take no more memory than MaxHeldBytes allows`, async () => {
  const gateway = await startGateway('embedded', { MaxHeldBytes: HELD_BYTES, MaxPendingPublishBytes: 16_777_216 });
  const publisher = new BusClient(gateway.rpcUrl);
  const clients = Array.from({ length: 10 }, () => new BusClient(gateway.rpcUrl));
  onTestFinished(() => {
    for (const client of [publisher, ...clients]) client.close();
  });
  // Two channels, so that one of them can not live on what the other one takes.
  const channels = ['billing', 'audit'];
  const consumers: SlowConsumer[] = [];
  const subscribe = async () => {
    for (let n = consumers.length; n < SUBSCRIBERS; n++) {
      const channel = channels[n % channels.length] ?? '';
      const stream = await clients[n % clients.length]?.subscribe('orders', channel, { credit: 10_000 });
      if (stream !== undefined) consumers.push(new SlowConsumer(stream));
    }
  };
  for (const channel of channels) await publisher.makeChannel('orders', channel);
  const idle = residentBytes(gateway);
  let most = idle;
  const watch = setInterval(() => {
    most = Math.max(most, residentBytes(gateway));
  }, 20);
  onTestFinished(() => clearInterval(watch));

  const batch = Array.from({ length: 200 }, () => ({ topic: 'orders', body: Buffer.alloc(BODY_BYTES) }));
  let left = MESSAGES / batch.length;
  const publish = async () => {
    while (left-- > 0) await publisher.publish(batch, 60_000);
  };
  await Promise.all([publish(), publish(), publish()]);
  const published = most;

  await subscribe();
  const received = () => consumers.reduce((sum, consumer) => sum + consumer.received, 0);
  // Everything that may be handed out comes at once: it is over when nothing came for a while.
  let before = -1;
  while (received() !== before) {
    before = received();
    await delay(1_000);
  }
  const holding = most;
  expect(before * BODY_BYTES).toBeGreaterThan(HELD_BYTES / 2);
  expect(before * BODY_BYTES).toBeLessThan(HELD_BYTES * 1.5);

  // As they are settled, others follow.
  await until(async () => {
    await Promise.all(consumers.map((consumer) => consumer.ack()));
    expect(received()).toBeGreaterThan(20_000);
  }, 60_000);
  const megabytes = (bytes: number) => Math.round((bytes - idle) / 1024 / 1024);
  console.log(
    `grown by ${megabytes(published)} MB when published, ${megabytes(holding)} MB when held, ${megabytes(most)} MB in the end`,
  );
  expect(most - idle).toBeLessThan(GROWTH_BYTES);
}, 240_000);
