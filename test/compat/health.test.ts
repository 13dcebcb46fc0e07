import { createRequire } from 'node:module';
import { create } from '@bufbuild/protobuf';
import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import { Bus, SubscribeRequestSchema, type SubscribeResponse } from '@waybill/proto/waybill/v1/bus';
import { expect, onTestFinished, test } from 'vitest';
import { BusClient } from '../support/client.js';
import { type Gateway, startGateway } from '../support/gateway.js';
import { RpcClient } from '../support/rpc.js';
import { until } from '../support/until.js';
import { genericClient } from './generic-client.js';

/** The published one, as any client has it. */
const PROTO = createRequire(import.meta.url)
  .resolve('grpc-health-check')
  .replace(/build.*/, 'proto/health/v1/health.proto');

const DRAIN_SECONDS = 30;
/** A stop that takes as long as the drain may last has waited for somebody who had nothing to finish. */
const PROMPT_MS = 10_000;

interface Health {
  readonly status: string;
}

function healthOf(gateway: Gateway) {
  const client = genericClient(PROTO, 'grpc.health.v1.Health', gateway.rpcUrl);
  onTestFinished(() => client.close());
  return {
    check(service: string): Promise<string> {
      return new Promise((resolve, reject) => {
        client.Check?.({ service }, (error: ServiceError | null, answer: Health) => {
          if (error === null) resolve(answer.status);
          else reject(error);
        });
      });
    },
    /** What it was told so far. */
    watch(service: string): readonly string[] {
      const call: ClientReadableStream<Health> = client.Watch?.({ service });
      const seen: string[] = [];
      call.on('data', ({ status }: Health) => seen.push(status));
      call.on('error', () => {}); // The gateway goes away in the end.
      return seen;
    },
  };
}

test('health tells whether the gateway and its service serve', async () => {
  const health = healthOf(await startGateway('embedded'));
  expect(await health.check('')).toBe('SERVING');
  expect(await health.check('waybill.v1.Bus')).toBe('SERVING');
  await expect(health.check('waybill.v1.Nothing')).rejects.toMatchObject({ code: 5 });
  const unknown = health.watch('waybill.v1.Nothing');
  await until(async () => expect(unknown).toEqual(['SERVICE_UNKNOWN']), 5_000);
});

test('a gateway that is told to stop says so, lets consumers finish, and is gone', async () => {
  const gateway = await startGateway('embedded', { DrainSeconds: DRAIN_SECONDS });
  const watched = [healthOf(gateway).watch(''), healthOf(gateway).watch('waybill.v1.Bus')];
  const client = new BusClient(gateway.rpcUrl);
  const rpc = new RpcClient(gateway.rpcUrl);
  onTestFinished(() => {
    client.close();
    rpc.close();
  });
  const call = rpc.stream(Bus.method.subscribe);
  const frames: SubscribeResponse['frame'][] = [];
  const ended = new Promise<ServiceError | undefined>((resolve) => {
    call.on('data', ({ frame }: SubscribeResponse) => frames.push(frame));
    call.on('error', resolve);
    call.on('end', () => resolve(undefined));
  });
  const open = { topic: 'orders', channel: 'billing', credit: 1 };
  call.write(create(SubscribeRequestSchema, { frame: { case: 'open', value: open } }));
  await until(async () => expect(frames).toMatchObject([{ case: 'opened' }]), 10_000);
  const [held, next] = await client.publish([{ topic: 'orders' }, { topic: 'orders' }]);
  await until(async () => expect(frames).toHaveLength(2), 10_000);

  const begun = performance.now();
  const stopped = gateway.stop();
  for (const seen of watched) await until(async () => expect(seen).toEqual(['SERVING', 'NOT_SERVING']), 5_000);
  await until(async () => expect(frames).toHaveLength(3), 5_000);
  expect(frames[2]).toMatchObject({ case: 'draining', value: { graceMs: BigInt(DRAIN_SECONDS * 1_000) } });
  const readiness = await fetch(`${gateway.httpUrl}/readyz`);
  expect(readiness.status).toBe(503);
  expect(await readiness.json()).toMatchObject({ ready: false, draining: true });

  const receipts = frames.flatMap((frame) => {
    return frame.case === 'deliveries' ? frame.value.deliveries.map(({ receipt }) => receipt) : [];
  });
  call.write(create(SubscribeRequestSchema, { sequence: 9n, frame: { case: 'ack', value: { receipts } } }));
  await ended;
  // The second message is not handed out any more, though there is credit for it again.
  expect(frames.slice(3)).toMatchObject([{ case: 'settled', value: { sequence: 9n, failures: [] } }]);
  await stopped;
  expect(performance.now() - begun).toBeLessThan(PROMPT_MS);

  await gateway.start();
  const rest = await client.pull('orders', 'billing');
  expect(rest.map(({ id }) => id)).toEqual([next?.id]);
  expect(held?.id).not.toBe(next?.id);
});

test('who watches, waits for a message, or has nothing to publish does not keep a gateway from stopping', async () => {
  const gateway = await startGateway('embedded', { DrainSeconds: DRAIN_SECONDS });
  const rpc = new RpcClient(gateway.rpcUrl);
  onTestFinished(() => rpc.close());
  const seen = healthOf(gateway).watch('');
  const call = rpc.stream(Bus.method.publishStream);
  const answers: unknown[] = [];
  call.on('data', (answer: unknown) => answers.push(answer));
  call.on('error', () => {}); // Ends with the gateway.
  call.write(create(Bus.method.publishStream.input, { sequence: 1n, messages: [{ topic: 'orders' }] }));
  await until(async () => expect([seen.length, answers.length]).toEqual([1, 1]), 10_000);
  const pull = (waitMs: bigint) => rpc.call(Bus.method.pull, { topic: 'none', channel: 'billing', waitMs }, 60_000);
  await pull(0n);
  const waiting = pull(50_000n);
  // Calls of one connection arrive in order: when this one is answered, the other one waits.
  await pull(0n);
  const begun = performance.now();
  await gateway.stop();
  expect((await waiting).deliveries).toEqual([]);
  expect(performance.now() - begun).toBeLessThan(PROMPT_MS);
});
