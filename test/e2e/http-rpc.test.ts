import { exec } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Code, ConnectError } from '@connectrpc/connect';
import { Admin } from '@waybill/proto/waybill/v1/admin';
import { Bus, PublishOutcome, SettleStatus } from '@waybill/proto/waybill/v1/bus';
import { Locks } from '@waybill/proto/waybill/v1/locks';
import { beforeAll, describe, expect, test } from 'vitest';
import { connectClient, PROTOCOLS, type Protocol } from '../support/connect-client.js';
import { curl, curlCall } from '../support/curl.js';
import { type Engine, type Gateway, gatewayGroup, startGateway } from '../support/gateway.js';
import { ROOT } from '../support/program.js';

const shell = promisify(exec);
const ENGINES: readonly Engine[] = ['embedded', 'cluster'];
const NAMES: readonly Protocol[] = ['Connect, JSON', 'Connect, protobuf', 'gRPC-Web'];
const bytes = (text: string) => new TextEncoder().encode(text);

test('every protocol is tried here', () => {
  expect(Object.keys(PROTOCOLS)).toEqual(NAMES);
});

describe.each(ENGINES)('the HTTP port of the %s engine', (engine) => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await (await gatewayGroup(engine)).start();
  });

  test('takes a message from curl, and hands it out and settles it', async () => {
    const { httpUrl } = gateway;
    await curlCall(httpUrl, 'waybill.v1.Bus/Pull', { topic: 'curl', channel: 'c', waitMs: 0 });
    const published = await curlCall(httpUrl, 'waybill.v1.Bus/Publish', {
      messages: [{ topic: 'curl', body: 'aGk=' }],
    });
    expect(published).toMatchObject({ status: 200 });
    expect(published.headers.get('content-type')).toBe('application/json');
    expect(JSON.parse(published.body)).toEqual({
      results: [{ id: expect.any(String), outcome: 'PUBLISH_OUTCOME_ACCEPTED' }],
    });
    const pulled = await curlCall(httpUrl, 'waybill.v1.Bus/Pull', { topic: 'curl', channel: 'c' });
    const { deliveries } = JSON.parse(pulled.body);
    expect(deliveries).toMatchObject([{ message: { body: 'aGk=' }, attempt: 1 }]);
    const acked = await curlCall(httpUrl, 'waybill.v1.Bus/Ack', { receipts: [deliveries[0].receipt] });
    expect(JSON.parse(acked.body)).toMatchObject({ results: [{ status: 'SETTLE_STATUS_OK' }] });
  });

  test.each(NAMES)('serves %s', async (protocol) => {
    const bus = connectClient(Bus, gateway.httpUrl, protocol);
    const topic = `topic-${NAMES.indexOf(protocol)}`;
    await bus.pull({ topic, channel: 'c', waitMs: 0n });
    const { results } = await bus.publish({ messages: [{ topic, body: bytes('hi'), headers: { a: 'b' } }] });
    expect(results).toMatchObject([{ outcome: PublishOutcome.ACCEPTED }]);
    const { deliveries } = await bus.pull({ topic, channel: 'c' });
    expect(deliveries).toMatchObject([{ message: { body: bytes('hi'), headers: { a: 'b' } }, attempt: 1 }]);
    const receipts = deliveries.map(({ receipt }) => receipt);
    expect((await bus.ack({ receipts })).results).toMatchObject([{ status: SettleStatus.OK }]);
    const { acquired } = await connectClient(Locks, gateway.httpUrl, protocol).acquire({ name: topic, ttlMs: 1_000n });
    expect(acquired).toBe(true);
  });

  test.each(NAMES)('streams figures by %s until the client leaves', async (protocol) => {
    const admin = connectClient(Admin, gateway.httpUrl, protocol);
    const leaving = new AbortController();
    let count = 0;
    for await (const { stats } of admin.watchStats({ intervalMs: 250 }, { signal: leaving.signal })) {
      expect(stats?.nodes).toBe(1);
      if (++count === 2) break;
    }
    leaving.abort();
  });
});

test('the curl lines of the README publish a message and take it', async () => {
  const { httpUrl } = await startGateway('embedded');
  const readme = readFileSync(`${ROOT}/README.md`, 'utf8');
  const [, publish = '', pull = ''] = /(curl .*Bus\/Publish)\n(curl .*Bus\/Pull)\n/.exec(readme) ?? [];
  const type = async (line: string) => {
    const { stdout } = await shell(line.replace('localhost:7878', httpUrl));
    return JSON.parse(stdout);
  };
  expect(await type(publish)).toMatchObject({ results: [{ outcome: 'PUBLISH_OUTCOME_PARKED' }] });
  expect(await type(pull)).toMatchObject({ deliveries: [{ message: { topic: 'orders', body: 'aGVsbG8=' } }] });
});

describe('the HTTP port', () => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await (await gatewayGroup('embedded')).start();
  });

  test.each(NAMES)('tells an error by %s with its reason, field and limit', async (protocol) => {
    const bus = connectClient(Bus, gateway.httpUrl, protocol);
    const error: unknown = await bus.publish({ messages: [{ topic: 'no good' }] }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({
      code: Code.InvalidArgument,
      rawMessage: expect.stringContaining('messages[0].topic'),
      details: [{ type: 'google.rpc.ErrorInfo', value: expect.any(Uint8Array) }],
    });
  });

  test('tells an error to curl in words', async () => {
    const { status, body } = await curlCall(gateway.httpUrl, 'waybill.v1.Bus/Publish', { messages: [{ topic: '' }] });
    expect(status).toBe(400);
    expect(JSON.parse(body)).toMatchObject({
      code: 'invalid_argument',
      details: [{ debug: { reason: 'TOPIC_INVALID', domain: 'waybill', metadata: { field: 'messages[0].topic' } } }],
    });
  });

  test.each([
    ['a field that is misspelt', { messages: [{ topc: 'a' }] }, 'key "topc" is unknown'],
    ['a value of another type', { messages: 'a' }, 'waybill.v1.PublishRequest.messages'],
  ])('refuses %s, and says which', async (_, request, words) => {
    const { status, body } = await curlCall(gateway.httpUrl, 'waybill.v1.Bus/Publish', request);
    expect(status).toBe(400);
    expect(JSON.parse(body)).toMatchObject({ code: 'invalid_argument', message: expect.stringContaining(words) });
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'refuses %s, which any page may send from a browser',
    async (type) => {
      const url = `${gateway.httpUrl}/waybill.v1.Admin/DeleteTopic`;
      const { status, body } = await curl('-H', `content-type: ${type}`, '-d', '{}', url);
      expect(status).toBe(415);
      expect(JSON.parse(body)).toMatchObject({ message: expect.stringContaining('content-type takes') });
    },
  );

  test.each(['Subscribe', 'PublishStream'])('refuses %s, which takes HTTP/2, and says so', async (method) => {
    const { status, body } = await curlCall(gateway.httpUrl, `waybill.v1.Bus/${method}`, {});
    expect(status).toBe(505);
    expect(JSON.parse(body)).toMatchObject({ code: 'unimplemented', message: expect.stringContaining('gRPC port') });
  });

  test('takes no call by GET', async () => {
    expect(await curl(`${gateway.httpUrl}/waybill.v1.Admin/ListTopics`)).toMatchObject({ status: 405 });
  });
});
