import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { Bus, SubscribeRequestSchema, type SubscribeResponse } from '@waybill/proto/waybill/v1/bus';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { BusClient } from '../support/client.js';
import { toStatus } from '../support/client-types.js';
import { gatewayGroup } from '../support/gateway.js';
import { RpcClient } from '../support/rpc.js';
import { type Service, startMariadb } from '../support/services.js';
import { until } from '../support/until.js';

type SubscribeFrame = Exclude<MessageInitShape<typeof SubscribeRequestSchema>['frame'], undefined>;

/** These tests stop and freeze it. */
let mysql: Service;
beforeAll(async () => {
  mysql = await startMariadb();
});
afterAll(() => mysql.remove());

async function start(settings: Readonly<Record<string, number>> = {}) {
  const group = await gatewayGroup('cluster', { mysql: mysql.url });
  const gateway = await group.start(settings);
  const client = new BusClient(gateway.rpcUrl);
  const rpc = new RpcClient(gateway.rpcUrl);
  onTestFinished(() => {
    client.close();
    rpc.close();
  });
  const ack = async (receipts: string[], deadlineMs: number) => {
    const { results } = await rpc.call(Bus.method.ack, { receipts }, deadlineMs);
    return results.map((result) => toStatus(result.status));
  };
  return { gateway, client, rpc, ack };
}

const unavailable = { code: status.UNAVAILABLE, details: expect.stringContaining('the ledger did not answer') };

test.each(['stopped', 'frozen'])(
  'with MySQL %s, a call to ack waits to its deadline, and counts when it is made again',
  async (how) => {
    const { client, ack } = await start();
    const stream = await client.subscribe('orders', 'billing');
    await client.publish([{ topic: 'orders' }, { topic: 'orders' }]);
    const receipts = (await stream.take(2)).map(({ receipt }) => receipt);
    await (how === 'stopped' ? mysql.stop() : mysql.pause());
    const from = performance.now();
    try {
      await expect(Promise.all([ack(receipts, 1_000), ack(receipts, 1_000)])).rejects.toMatchObject(unavailable);
      expect(performance.now() - from).toBeGreaterThan(700);
    } finally {
      await (how === 'stopped' ? mysql.start() : mysql.resume());
    }
    expect(await ack(receipts, 20_000)).toEqual(['ok', 'ok']);
  },
);

test('acks that are made again and again while MySQL is away take no more memory than MaxPendingSettles allows', async () => {
  const { gateway, client, ack } = await start({ MaxPendingSettles: 20_000 });
  const resident = () => {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes) / 1024;
  };
  await client.publish(Array.from({ length: 1_000 }, () => ({ topic: 'orders' })));
  await client.makeChannel('orders', 'billing');
  const receipts: string[] = [];
  while (receipts.length < 500) {
    const batch = await client.pull('orders', 'billing', { max: 500 - receipts.length });
    receipts.push(...batch.map(({ receipt }) => receipt));
  }
  await mysql.stop();
  const before = resident();
  const answers = new Map<unknown, number>();
  try {
    for (let round = 0; round < 10; round++) {
      const calls = Array.from({ length: 50 }, () => ack(receipts, 2_000));
      for (const call of await Promise.allSettled(calls)) {
        const code: unknown = call.status === 'rejected' ? call.reason.code : 'OK';
        answers.set(code, (answers.get(code) ?? 0) + 1);
      }
    }
    expect(resident() - before).toBeLessThan(100);
  } finally {
    await mysql.start();
  }
  // 40 calls of 500 receipts fit in, and their places are taken until the ledger has answered.
  expect([...answers.keys()]).not.toContain('OK');
  expect(answers.get(status.RESOURCE_EXHAUSTED)).toBeGreaterThan(100);
  expect(await until(() => ack(receipts, 5_000), 20_000)).toEqual(receipts.map(() => 'ok'));
});

test('a stream that settles far more than it was given is not read while MySQL is away, and goes on afterwards', async () => {
  const { rpc, client } = await start();
  await client.makeChannel('orders', 'billing');
  const stream = rpc.stream(Bus.method.subscribe);
  onTestFinished(() => stream.cancel());
  const send = (frame: SubscribeFrame, sent?: () => void) => {
    stream.write(create(SubscribeRequestSchema, { sequence: 1n, frame }), sent);
  };
  let answered = 0;
  stream.on('error', () => {});
  stream.on('data', ({ frame }: SubscribeResponse) => {
    if (frame.case === 'settled') answered++;
  });
  send({ case: 'open', value: { topic: 'orders', channel: 'billing', credit: 1 } });
  await mysql.pause();
  let sent = 0;
  // Those that are read, and 16 that gRPC reads ahead.
  const frames = 30;
  try {
    for (let n = 0; n < frames; n++) {
      const receipts = Array.from({ length: 10_000 }, (_, i) => `s1-1-5-/never-delivered-${n}-${i}`);
      send({ case: 'ack', value: { receipts } }, () => sent++);
    }
    await delay(2_000);
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(frames - 5);
  } finally {
    await mysql.resume();
  }
  await until(async () => expect(answered).toBeGreaterThan(0), 40_000);
});
