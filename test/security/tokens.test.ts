import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { Admin } from '@waybill/proto/waybill/v1/admin';
import { Bus, PublishStreamRequestSchema } from '@waybill/proto/waybill/v1/bus';
import { Locks } from '@waybill/proto/waybill/v1/locks';
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { AdminClient } from '../support/admin-client.js';
import { BusClient } from '../support/client.js';
import { type Gateway, startGateway } from '../support/gateway.js';
import { tempFolder } from '../support/reaper.js';
import { RpcClient } from '../support/rpc.js';
import { until } from '../support/until.js';
import { RIGHTS, rightsTo, TokenFile } from './tokens.js';

const folder = tempFolder('tokens');
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;

let tokens: TokenFile;
let files = 0;

beforeEach(() => {
  tokens = new TokenFile(join(folder.path, `tokens-${files++}.json`));
  tokens.add('root', rightsTo(RIGHTS, '#'));
  tokens.write();
});

afterAll(() => folder.remove());

function clientOf({ rpcUrl }: Gateway, name: string): BusClient {
  const client = new BusClient(rpcUrl, { token: tokens.of(name) });
  onTestFinished(() => client.close());
  return client;
}

/** Writes the file, and waits until the gateway has it in use. */
async function rewrite(gateway: Gateway): Promise<void> {
  const count = () => gateway.log().split('files that changed are in use').length;
  const before = count();
  tokens.write();
  await until(async () => expect(count()).toBeGreaterThan(before), 10_000);
}

describe('a token that is taken out of the file', () => {
  test('is refused from then on, and its open streams and waiting calls end; others go on', async () => {
    tokens.add('leaving', rightsTo(['publish', 'consume', 'read', 'locks'], '#'));
    tokens.write();
    const gateway = await startGateway('embedded', { Tokens: tokens.path });
    const root = clientOf(gateway, 'root');
    const staying = await root.subscribe('orders', 'staying');
    const leaving = clientOf(gateway, 'leaving');
    const stream = await leaving.subscribe('orders', 'leaving');
    await leaving.publishOne({ topic: 'orders', id: 'first' });
    expect(await stream.take(1)).toMatchObject([{ id: 'first' }]);
    const rpc = new RpcClient(gateway.rpcUrl, { token: tokens.of('leaving') });
    onTestFinished(() => rpc.close());
    const publishing = rpc.stream(Bus.method.publishStream);
    const watching = rpc.serverStream(Admin.method.watchStats, { intervalMs: 60_000 });
    const lock = await rpc.call(Locks.method.acquire, { name: 'lock', ttlMs: 60_000n }, 10_000);
    expect(lock.acquired).toBe(true);
    const waiting = [
      rpc.call(Bus.method.pull, { topic: 'nothing', channel: 'comes', waitMs: 600_000n }, 600_000),
      rpc.call(Locks.method.acquire, { name: 'lock', ttlMs: 60_000n, waitMs: 600_000n }, 600_000),
    ];
    const codes = [
      codeOf(failing(stream.ended)),
      codeOf(new Promise((_, reject) => publishing.on('error', reject).resume())),
      codeOf(new Promise((_, reject) => watching.on('error', reject).resume())),
      ...waiting.map(codeOf),
    ];
    await until(async () => {
      const { consumers } = await operatorOf(gateway).call(Admin.method.listConsumers, {});
      expect(consumers.map(({ topic }) => topic)).toContain('nothing');
    }, 10_000);
    tokens.remove('leaving');
    await rewrite(gateway);
    expect(await Promise.all(codes)).toEqual(Array(5).fill(UNAVAILABLE));
    await expect(leaving.publishOne({ topic: 'orders' })).rejects.toMatchObject({ code: UNAUTHENTICATED });
    // What it held goes to others.
    const [again] = await root.pull('orders', 'leaving');
    expect(again).toMatchObject({ id: 'first', attempt: 2 });
    await root.publishOne({ topic: 'orders', id: 'second' });
    expect((await staying.take(2)).map(({ id }) => id)).toEqual(['first', 'second']);
    await staying.close();
  });

  test('that gets other rights in place has those, and its streams end', async () => {
    tokens.add('changing', rightsTo(['consume'], 'orders'));
    tokens.write();
    const gateway = await startGateway('embedded', { Tokens: tokens.path });
    const client = clientOf(gateway, 'changing');
    const stream = await client.subscribe('orders', 'billing');
    const ended = codeOf(failing(stream.ended));
    tokens.add('changing', rightsTo(['consume'], 'payments'));
    await rewrite(gateway);
    expect(await ended).toBe(UNAVAILABLE);
    await expect(client.subscribe('orders', 'billing')).rejects.toMatchObject({ code: 7 });
    await (await client.subscribe('payments', 'billing')).close();
  });

  test('ends its streams by itself when it expires', async () => {
    const gateway = await startGateway('embedded', { Tokens: tokens.path });
    tokens.add('expiring', { ...rightsTo(['consume'], 'orders'), expires: new Date(Date.now() + 8_000).toISOString() });
    await rewrite(gateway);
    const client = clientOf(gateway, 'expiring');
    const stream = await client.subscribe('orders', 'billing');
    expect(await codeOf(failing(stream.ended))).toBe(UNAVAILABLE);
    await expect(client.subscribe('orders', 'billing')).rejects.toMatchObject({ code: UNAUTHENTICATED });
  });
});

test('a file that cannot be used leaves the one before in use, and the log says what is wrong and nothing secret', async () => {
  const gateway = await startGateway('embedded', { Tokens: tokens.path });
  const root = clientOf(gateway, 'root');
  tokens.add('wrong', { publish: ['a*b'] });
  tokens.write();
  await until(async () => expect(gateway.log()).toMatch(/cannot be used.*|tokens\[1\]: publish/), 10_000);
  await root.publishOne({ topic: 'orders' });
  expect(gateway.log()).not.toContain(tokens.of('root'));
});

test('a consumer is called by its token, whatever it calls itself', async () => {
  tokens.add('worker', rightsTo(['consume'], 'orders'));
  tokens.write();
  const gateway = await startGateway('embedded', { Tokens: tokens.path });
  const rpc = new RpcClient(gateway.rpcUrl, { token: tokens.of('worker') });
  onTestFinished(() => rpc.close());
  await clientOf(gateway, 'root').makeChannel('orders', 'billing');
  await clientOf(gateway, 'root').publishOne({ topic: 'orders', id: 'one' });
  await rpc.call(Bus.method.pull, { topic: 'orders', channel: 'billing', consumer: 'root' }, 10_000);
  const { timelines } = await operatorOf(gateway).call(Admin.method.getMessage, { topic: 'orders', id: 'one' });
  expect(timelines.map(({ record }) => record?.consumer)).toContain('worker/root');
});

describe('a limit of rates', () => {
  test('refuses a client that calls too often, with the time when it may again, and nobody else', async () => {
    tokens.add('busy', rightsTo(RIGHTS, '#'));
    tokens.write();
    const gateway = await startGateway('embedded', { Tokens: tokens.path, MaxCallsPerSecondPerClient: 5 });
    const busy = new AdminClient(gateway.rpcUrl, { token: tokens.of('busy') });
    onTestFinished(() => busy.close());
    const calls = await Promise.allSettled(Array.from({ length: 40 }, () => busy.call(Admin.method.getStats, {})));
    const refused = calls.filter((call) => call.status === 'rejected');
    expect(refused.length).toBeGreaterThan(20);
    expect(refused[0]?.reason).toMatchObject({
      code: 8,
      details: expect.stringContaining('MaxCallsPerSecondPerClient'),
    });
    expect(String(refused[0]?.reason.metadata.get('grpc-status-details-bin'))).toContain('google.rpc.RetryInfo');
    await clientOf(gateway, 'root').publishOne({ topic: 'orders' });
    await until(() => busy.call(Admin.method.getStats, {}), 10_000);
  });

  test('refuses messages past the rate, by call and by stream, where nobody is asked by address', async () => {
    const gateway = await startGateway('embedded', { MaxPublishesPerSecondPerClient: 10 });
    const client = new BusClient(gateway.rpcUrl);
    onTestFinished(() => client.close());
    await client.publish(Array.from({ length: 100 }, () => ({ topic: 'orders' })));
    await expect(client.publishOne({ topic: 'orders' })).rejects.toMatchObject({ code: 8 });
    const rpc = new RpcClient(gateway.rpcUrl);
    onTestFinished(() => rpc.close());
    const stream = rpc.stream(Bus.method.publishStream);
    const answer = new Promise((resolve) => stream.once('data', resolve));
    stream.write(create(PublishStreamRequestSchema, { sequence: 1n, messages: [{ topic: 'orders' }] }));
    expect(await answer).toMatchObject({ results: [{ error: { code: 8, reason: 'RATE_LIMITED' } }] });
    stream.end();
    await new Promise((resolve) => stream.once('end', resolve));
  });

  test('of wrong tokens does not keep out who has a good one', async () => {
    const gateway = await startGateway('embedded', { Tokens: tokens.path });
    const guesser = new BusClient(gateway.rpcUrl, { token: `wb_${'A'.repeat(43)}` });
    onTestFinished(() => guesser.close());
    const guesses = await Promise.allSettled(Array.from({ length: 60 }, () => guesser.publishOne({ topic: 'orders' })));
    const codes = guesses.map((guess) => (guess.status === 'rejected' ? guess.reason.code : 0));
    expect(new Set(codes)).toEqual(new Set([UNAUTHENTICATED, 8]));
    await clientOf(gateway, 'root').publishOne({ topic: 'orders' });
  });
});

function operatorOf({ rpcUrl }: Gateway): AdminClient {
  const operator = new AdminClient(rpcUrl, { token: tokens.of('root') });
  onTestFinished(() => operator.close());
  return operator;
}

/** Rejects with the error that it resolves with. */
async function failing(ending: Promise<Error | undefined>): Promise<void> {
  const error = await ending;
  if (error !== undefined) throw error;
}

/** The status that it ends with; 0 when it ends well. */
async function codeOf(ending: Promise<unknown>): Promise<number> {
  try {
    await ending;
    return 0;
  } catch (error) {
    return error instanceof Error && 'code' in error ? Number(error.code) : -1;
  }
}
