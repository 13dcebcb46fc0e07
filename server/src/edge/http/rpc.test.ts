import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { Locks, type ReleaseRequest } from '@waybill/proto/waybill/v1/locks';
import { afterEach, describe, expect, it } from 'vitest';
import { BusError } from '../../model/errors.js';
import { silentLogger } from '../../ports/logger.js';
import { DirectServices } from '../direct/services.js';
import { locksDefinition } from '../grpc/locks-service.js';
import { toServiceError } from '../grpc/status.js';
import { Origins } from './origin.js';
import { HttpCalls } from './rpc.js';
import { HttpServer } from './server.js';

type Call = ServerUnaryCall<ReleaseRequest, unknown>;
type Handler = (call: Call, callback: sendUnaryData<unknown>) => void;

const running: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  for (const service of running.splice(0)) await service.stop();
});

/** A port on which `Locks.Release` is this handler, and how to call it. */
async function serve(release: Handler) {
  const nothing = () => {};
  const implementation = { acquire: nothing, renew: nothing, release };
  const direct = new DirectServices([{ definition: locksDefinition, implementation }]);
  const calls = new HttpCalls({
    services: [Locks],
    direct,
    maxMessageBytes: 1_024,
    origins: new Origins([], '127.0.0.1'),
    logger: silentLogger,
  });
  const server = new HttpServer({ host: '127.0.0.1', port: 0, routes: calls.routes, logger: silentLogger });
  await server.start();
  running.push(calls, server);
  return (headers: Record<string, string> = {}, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${server.port}/waybill.v1.Locks/Release`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{"token":"t"}',
      ...init,
    });
}

const answer: Handler = (_, callback) => callback(null, { $typeName: 'waybill.v1.ReleaseResponse', released: true });

describe('a handler that is called over HTTP', () => {
  it('sees the headers of its caller, but none of HTTP, Connect or a browser', async () => {
    let seen: Record<string, unknown> = {};
    const call = await serve((served, callback) => {
      seen = served.metadata.getMap();
      answer(served, callback);
    });
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const response = await call({
      authorization: 'Bearer x',
      traceparent,
      'x-tenant': 'a',
      'trace-bin': 'AQI=',
      cookie: 'session=1',
      origin: 'http://localhost',
      'connect-protocol-version': '1',
      'connect-timeout-ms': '5000',
      'user-agent': 'test',
    });
    expect(await response.json()).toEqual({ released: true });
    expect(seen).toEqual({
      authorization: 'Bearer x',
      traceparent,
      'x-tenant': 'a',
      'trace-bin': Buffer.from([1, 2]),
      'user-agent': 'test',
    });
  });

  it('sees the address of its caller, its deadline, and that there is no TLS', async () => {
    let facts: unknown[] = [];
    const call = await serve((served, callback) => {
      facts = [
        served.getPeer(),
        Number(served.getDeadline()) - Date.now(),
        served.getAuthContext(),
        served.request.token,
      ];
      answer(served, callback);
    });
    await call({ 'connect-timeout-ms': '60000' });
    expect(facts).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+$/), expect.any(Number), {}, 't']);
    expect(facts[1]).toBeGreaterThan(30_000);
    expect(facts[1]).toBeLessThanOrEqual(60_000);
    await call();
    expect(facts[1]).toBe(Number.POSITIVE_INFINITY);
  });

  it('is told when its caller goes away', async () => {
    let entered = () => {};
    const inside = new Promise<void>((resolve) => {
      entered = resolve;
    });
    let left = () => {};
    const cancelled = new Promise<void>((resolve) => {
      left = resolve;
    });
    const call = await serve((served) => {
      served.once('cancelled', () => left());
      entered();
    });
    const leaving = new AbortController();
    const response = call({}, { signal: leaving.signal });
    await inside;
    leaving.abort();
    await expect(response).rejects.toThrow();
    await cancelled;
  });

  it('is cancelled at the deadline, and the caller learns that', async () => {
    const call = await serve(() => {});
    const response = await call({ 'connect-timeout-ms': '50' });
    expect(response.status).toBe(504);
    expect(await response.json()).toMatchObject({ code: 'deadline_exceeded' });
  });

  it('has its errors told with reason, domain, field and limit', async () => {
    const error = new BusError('LOCK_TOKEN_INVALID', 'token takes a token', { field: 'token', limit: 'a token' });
    const call = await serve((_, callback) => callback(toServiceError(error, silentLogger)));
    const response = await call();
    expect(response.status).toBe(400);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const metadata = { field: 'token', limit: 'a token' };
    expect(await response.json()).toEqual({
      code: 'invalid_argument',
      message: 'token takes a token',
      details: [
        {
          type: 'google.rpc.ErrorInfo',
          value: expect.any(String),
          debug: { reason: 'LOCK_TOKEN_INVALID', domain: 'waybill', metadata },
        },
      ],
    });
  });

  it('that throws is answered with an internal error', async () => {
    const call = await serve(() => {
      throw new Error('broken');
    });
    expect(await (await call()).json()).toMatchObject({ code: 'internal' });
  });

  it('is not reached by a page of another site', async () => {
    let calls = 0;
    const call = await serve((served, callback) => {
      calls++;
      answer(served, callback);
    });
    const response = await call({ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: 'permission_denied' });
    expect(calls).toBe(0);
  });
});
