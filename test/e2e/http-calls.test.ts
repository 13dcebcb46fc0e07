import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { Code, type ConnectError } from '@connectrpc/connect';
import { Admin } from '@waybill/proto/waybill/v1/admin';
import { Bus } from '@waybill/proto/waybill/v1/bus';
import { connect } from '@waybill/sdk';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { connectClient } from '../support/connect-client.js';
import { curl, curlCall } from '../support/curl.js';
import { type Gateway, gatewayGroup, startGateway } from '../support/gateway.js';
import { until } from '../support/until.js';

/** How calls over the HTTP port begin, wait and end. */

const KiB = 1_024;
const LIMIT = 64 * KiB;
const ORIGIN = 'https://console.example';
const JSON_TYPE = 'content-type: application/json';

let gateway: Gateway;

beforeAll(async () => {
  gateway = await (await gatewayGroup('embedded')).start({ MaxMessageBytes: LIMIT, HttpAllowedOrigins: ORIGIN });
});

async function consumers(channel: string): Promise<number> {
  const { consumers } = await connectClient(Admin, gateway.httpUrl).listConsumers({ topic: 'waits', channel });
  return consumers.length;
}

describe('a deadline', () => {
  test.each([
    ['connect-timeout-ms', '400', 'application/json'],
    ['grpc-timeout', '400m', 'application/grpc-web+json'],
  ])('by %s reaches the handler, which answers a little before', async (header, value, type) => {
    const json = '{"topic":"waits","channel":"a"}';
    const envelope = type.includes('grpc');
    const body = envelope ? Buffer.concat([Buffer.from([0, 0, 0, 0, json.length]), Buffer.from(json)]) : json;
    const response = await fetch(`${gateway.httpUrl}/waybill.v1.Bus/Pull`, {
      method: 'POST',
      headers: { 'content-type': type, [header]: value },
      body,
    });
    expect(response.status).toBe(200);
    expect(await response.text()).toContain(envelope ? 'grpc-status: 0' : '{}');
  });

  test('ends a stream that would go on', async () => {
    const admin = connectClient(Admin, gateway.httpUrl);
    const watching = (async () => {
      for await (const { stats } of admin.watchStats({ intervalMs: 250 }, { timeoutMs: 600 })) {
        expect(stats).toBeDefined();
      }
    })();
    await expect(watching).rejects.toMatchObject({ code: Code.DeadlineExceeded });
  });
});

test('a client that goes away ends its call', async () => {
  const leaving = new AbortController();
  const pulling = connectClient(Bus, gateway.httpUrl).pull(
    { topic: 'waits', channel: 'left', waitMs: 3_600_000n },
    { signal: leaving.signal },
  );
  pulling.catch(() => {});
  await until(async () => expect(await consumers('left')).toBe(1), 10_000);
  leaving.abort();
  await expect(pulling).rejects.toMatchObject({ code: Code.Canceled });
  await until(async () => expect(await consumers('left')).toBe(0), 10_000);
});

test('a consumer that gives no name is known by its address', async () => {
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  connectClient(Bus, gateway.httpUrl)
    .pull({ topic: 'waits', channel: 'nameless' }, { signal: leaving.signal })
    .catch(() => {});
  await until(async () => {
    const { consumers } = await connectClient(Admin, gateway.httpUrl).listConsumers({
      topic: 'waits',
      channel: 'nameless',
    });
    expect(consumers.map(({ name }) => name)).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+$/)]);
  }, 10_000);
});

describe('a message', () => {
  const call = (size: number) => {
    return connectClient(Bus, gateway.httpUrl).publish({ messages: [{ topic: 'sizes', body: new Uint8Array(size) }] });
  };

  test('of the largest size goes through as JSON too', async () => {
    expect((await call(LIMIT)).results).toHaveLength(1);
  });

  test('past it is refused with the key that limits it', async () => {
    await expect(call(LIMIT + 1)).rejects.toMatchObject({
      code: Code.ResourceExhausted,
      rawMessage: expect.stringContaining('MaxMessageBytes'),
    });
  });

  test('far past it is not read to its end', async () => {
    const error: unknown = await call(8 * 1_024 * KiB).catch((thrown: ConnectError) => thrown.code);
    expect(error).toBe(Code.ResourceExhausted);
  });

  test('that is small when compressed and huge when not is refused', async () => {
    const { gzipSync } = await import('node:zlib');
    const response = await fetch(`${gateway.httpUrl}/waybill.v1.Bus/Publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: gzipSync(Buffer.alloc(64 * 1_024 * KiB, ' ')),
    });
    expect(await response.json()).toMatchObject({ code: 'resource_exhausted' });
  });
});

describe('a browser', () => {
  const preflight = (origin: string) =>
    curl(
      ...['-X', 'OPTIONS', '-H', `origin: ${origin}`, '-H', 'access-control-request-method: POST'],
      `${gateway.httpUrl}/waybill.v1.Bus/Publish`,
    );

  test('is told that pages of an allowed origin may call, and no others', async () => {
    const allowed = await preflight(ORIGIN);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(allowed.headers.get('access-control-allow-headers')).toContain('Authorization');
    expect((await preflight('https://evil.example')).headers.has('access-control-allow-origin')).toBe(false);
  });

  test('lets an allowed page read the answer; what another page sends is not done', async () => {
    const call = (origin: string) =>
      curlCall(
        gateway.httpUrl,
        'waybill.v1.Admin/ListTopics',
        {},
        ...['-H', `origin: ${origin}`, '-H', 'sec-fetch-site: cross-site'],
      );
    const allowed = await call(ORIGIN);
    expect(allowed.status).toBe(200);
    expect(allowed.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    const refused = await call('https://evil.example');
    expect(refused.status).toBe(403);
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'permission_denied' });
  });

  test('without HttpAllowedOrigins gets no answer to its question', async () => {
    const closed = await startGateway('embedded');
    const answer = await curl('-X', 'OPTIONS', '-H', `origin: ${ORIGIN}`, `${closed.httpUrl}/waybill.v1.Bus/Publish`);
    expect(answer.status).toBe(405);
    expect(answer.headers.has('access-control-allow-origin')).toBe(false);
  });

  test('is sent to the web UI, which has its page or says how to build it', async () => {
    const { headers } = await curl('-H', 'accept: text/html', `${gateway.httpUrl}/`);
    expect(headers.get('location')).toBe('/admin/');
    const page = await curl('-H', 'accept: text/html', `${gateway.httpUrl}/admin/`);
    expect(page.body).toContain('<!doctype html>');
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  });
});

test('health is a service like the others', async () => {
  const { body } = await curlCall(gateway.httpUrl, 'grpc.health.v1.Health/Check', { service: 'waybill.v1.Bus' });
  expect(JSON.parse(body)).toEqual({ status: 'SERVING' });
  const unknown = await curlCall(gateway.httpUrl, 'grpc.health.v1.Health/Check', { service: 'nobody' });
  expect(JSON.parse(unknown.body)).toMatchObject({ code: 'not_found' });
});

test('the services of event-bus answer too', async () => {
  const message = { queue: 'mails', data: 'hello' };
  expect(await curlCall(gateway.httpUrl, 'mq.Mq/publish', message)).toMatchObject({ status: 200, body: '{}' });
  const { body } = await curlCall(gateway.httpUrl, 'mq.Mq/subscribe', { queue: 'mails' });
  expect(JSON.parse(body)).toMatchObject(message);
});

test('what is published over HTTP is consumed over gRPC', async () => {
  const bus = await connect(gateway.rpcUrl);
  onTestFinished(() => bus.close());
  const got = new Promise((resolve) => {
    bus.subscribe('both', 'c', (message) => resolve([message.json(), message.headers.trace]));
  });
  const body = Buffer.from('{"number":7}').toString('base64');
  await curlCall(gateway.httpUrl, 'waybill.v1.Bus/Publish', {
    messages: [{ topic: 'both', body, headers: { trace: 'x' } }],
  });
  expect(await got).toEqual([{ number: 7 }, 'x']);
});

test('a gateway that stops ends its watches, answers what waits, and does not wait for who watches on', async () => {
  const stopping = await startGateway('embedded');
  const watch = httpRequest(`${stopping.httpUrl}/grpc.health.v1.Health/Watch`, {
    method: 'POST',
    headers: { 'content-type': 'application/connect+json' },
  });
  watch.end(Buffer.from('\0\0\0\0\x02{}'));
  const [response] = await once(watch, 'response');
  let heard = '';
  response.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1');
  });
  await until(async () => expect(heard).toContain('SERVING'), 10_000);
  const stats = connectClient(Admin, stopping.httpUrl).watchStats({});
  const figures = stats[Symbol.asyncIterator]();
  await figures.next();
  const pulling = curl(
    '-H',
    JSON_TYPE,
    '-d',
    '{"topic":"t","channel":"c","waitMs":"20000"}',
    `${stopping.httpUrl}/waybill.v1.Bus/Pull`,
  );
  await until(async () => {
    const { consumers } = await connectClient(Admin, stopping.httpUrl).listConsumers({});
    expect(consumers).toHaveLength(1);
  }, 10_000);
  const ended = once(response, 'end');
  await stopping.stop();
  await ended;
  expect(heard).toContain('NOT_SERVING');
  expect(heard).toContain('unavailable');
  expect((await pulling).status).toBe(200);
  for (;;) if ((await figures.next()).done) break;
});
