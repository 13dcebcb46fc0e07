import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../ports/logger.js';
import { healthRoutes } from './health.js';
import { HttpServer } from './server.js';

class Fake {
  fault: string | undefined;

  constructor(readonly name: string) {}

  health(): string | undefined {
    return this.fault;
  }
}

const rabbitmq = new Fake('rabbitmq');
const mysql = new Fake('mysql');
let draining: boolean;
let server: HttpServer;

beforeEach(async () => {
  draining = false;
  rabbitmq.fault = undefined;
  mysql.fault = undefined;
  const routes = healthRoutes({ dependencies: [rabbitmq, mysql], draining: () => draining });
  server = new HttpServer({ host: '127.0.0.1', port: 0, routes, logger: silentLogger });
  await server.start();
});

afterEach(() => server.stop());

async function get(path: string) {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
}

it('answers / and /ping as the original event-bus does', async () => {
  expect(await get('/')).toEqual({ status: 200, type: 'application/json', body: '{"success":true}' });
  expect(await get('/ping')).toMatchObject({ status: 200, body: 'pong' });
});

it('sends a browser from / to the web UI', async () => {
  const headers = { accept: 'text/html,*/*;q=0.8' };
  const response = await fetch(`http://127.0.0.1:${server.port}/`, { headers, redirect: 'manual' });
  expect(response.status).toBe(302);
  expect(response.headers.get('location')).toBe('/admin/');
});

it('lives while the process does, whatever is away', async () => {
  rabbitmq.fault = 'connection refused';
  draining = true;
  expect(await get('/healthz')).toMatchObject({ status: 200, body: '{"alive":true}' });
});

describe('readiness', () => {
  it('is there when every dependency works', async () => {
    const { status, body } = await get('/readyz');
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({ ready: true, draining: false, dependencies: { rabbitmq: 'ok', mysql: 'ok' } });
  });

  it('goes while a dependency is away, with its words, and comes back', async () => {
    mysql.fault = 'connection refused, next try in 2 s';
    const { status, body } = await get('/readyz');
    expect(status).toBe(503);
    expect(JSON.parse(body)).toEqual({
      ready: false,
      draining: false,
      dependencies: { rabbitmq: 'ok', mysql: 'connection refused, next try in 2 s' },
    });
    mysql.fault = undefined;
    expect((await get('/readyz')).status).toBe(200);
  });

  it('goes when the gateway drains', async () => {
    draining = true;
    const { status, body } = await get('/readyz');
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ ready: false, draining: true });
  });
});
