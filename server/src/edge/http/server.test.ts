import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Logger, silentLogger } from '../../ports/logger.js';
import { answerText } from './answer.js';
import { healthRoutes } from './health.js';
import type { Route } from './route.js';
import { type HttpLimits, HttpServer } from './server.js';

const servers: HttpServer[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

interface Setup {
  readonly routes?: readonly Route[];
  readonly limits?: Partial<HttpLimits>;
  readonly logger?: Logger;
}

async function serve({ routes = [], limits = {}, logger = silentLogger }: Setup = {}) {
  const health = healthRoutes({ dependencies: [], draining: () => false });
  const server = new HttpServer({ host: '127.0.0.1', port: 0, routes: [...health, ...routes], logger, limits });
  servers.push(server);
  await server.start();
  return { server, url: `http://127.0.0.1:${server.port}` };
}

function open({ port }: HttpServer): Socket {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  sockets.push(socket);
  return socket;
}

/** Writes the bytes, and answers everything that comes back until the server closes the connection. */
async function exchange(server: HttpServer, bytes: string): Promise<string> {
  const socket = open(server);
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk.toString('latin1');
  });
  socket.write(bytes);
  await once(socket, 'close');
  return answer;
}

const statusOf = (answer: string) => Number(answer.split(' ')[1]);

describe('a request', () => {
  it('for HEAD has the headers of GET and no body', async () => {
    const { url } = await serve();
    const response = await fetch(`${url}/ping`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-length')).toBe('4');
    expect(await response.text()).toBe('');
  });

  it('for an unknown path is answered with 404', async () => {
    const { url } = await serve();
    const response = await fetch(`${url}/nothing`);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ error: 'no such path' });
  });

  it('with another method is answered with 405 and the ones that are allowed', async () => {
    const { url } = await serve();
    const response = await fetch(`${url}/healthz`, { method: 'DELETE' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
  });

  it('without a path is answered with 400', async () => {
    const { server } = await serve();
    expect(statusOf(await exchange(server, 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n'))).toBe(400);
  });

  it.each(['Content-Length: 1000000000', 'Transfer-Encoding: chunked'])(
    'for GET with a body (%s) is answered with 413 at once, and the body is not read',
    async (header) => {
      const { server } = await serve();
      expect(statusOf(await exchange(server, `GET /ping HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n`))).toBe(413);
    },
  );

  it('whose route fails is answered with 500 and an id that is in the log', async () => {
    const ids: unknown[] = [];
    const logger = { ...silentLogger, error: (fields: object) => ids.push(new Map(Object.entries(fields)).get('id')) };
    const routes: Route[] = [
      {
        path: '/throws',
        method: 'GET',
        handle() {
          throw new Error('secret detail');
        },
      },
      { path: '/rejects', method: 'GET', handle: () => Promise.reject(new Error('secret detail')) },
    ];
    const { url } = await serve({ routes, logger });
    for (const path of ['/throws', '/rejects']) {
      const response = await fetch(url + path);
      expect(response.status).toBe(500);
      expect(await response.json()).toEqual({ error: 'internal error', id: ids.at(-1) });
    }
    expect((await fetch(`${url}/ping`)).status).toBe(200);
  });
});

describe('what is not HTTP', () => {
  it.each([
    ['nonsense', 'hello\r\n\r\n', 400],
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n', 400],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['a header with a control character', 'GET /ping HTTP/1.1\r\nHost: x\r\nA: \x01\r\n\r\n', 400],
    ['two lengths', 'GET /ping HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
    ['no host', 'GET /ping HTTP/1.1\r\n\r\n', 400],
    ['headers that are too large', `GET /ping HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ['a target that is too long', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
  ])('%s is refused, and others are served on', async (_, bytes, status) => {
    const { server, url } = await serve();
    expect(statusOf(await exchange(server, bytes))).toBe(status);
    expect((await fetch(`${url}/ping`)).status).toBe(200);
  });
});

describe('a connection', () => {
  it('that sends nothing, or its headers too slowly, is answered with 408 and closed', async () => {
    const { server } = await serve({ limits: { headersTimeoutMs: 100 } });
    expect(statusOf(await exchange(server, 'GET /ping HTTP/1.1\r\nHost:'))).toBe(408);
    expect(statusOf(await exchange(server, ''))).toBe(408);
  });

  it('is kept for another request, and closed when none comes', async () => {
    const { server } = await serve({ limits: { keepAliveTimeoutMs: 100 } });
    const get = 'GET /ping HTTP/1.1\r\nHost: x\r\n\r\n';
    const answer = await exchange(server, get + get);
    expect(answer.split('HTTP/1.1 200 OK')).toHaveLength(3);
  });

  it('that is silent while an answer is awaited is closed', async () => {
    const routes: Route[] = [{ path: '/never', method: 'GET', handle() {} }];
    const { server } = await serve({ routes, limits: { silenceTimeoutMs: 100 } });
    expect(await exchange(server, 'GET /never HTTP/1.1\r\nHost: x\r\n\r\n')).toBe('');
  });

  it('that is silent while an answer may be long in coming stays, until the client does not take what was written', async () => {
    const silences: number[] = [];
    let closed = () => {};
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const routes: Route[] = [
      {
        path: '/watch',
        method: 'GET',
        mayWait: true,
        handle(_, response) {
          response.on('timeout', () => {
            if (silences.push(0) === 3) response.end('at last');
          });
        },
      },
      {
        path: '/flood',
        method: 'GET',
        mayWait: true,
        handle(_, response) {
          response.once('close', () => closed());
          response.write(Buffer.alloc(32 * 1024 * 1024));
        },
      },
    ];
    const { server } = await serve({ routes, limits: { silenceTimeoutMs: 50 } });
    const answer = await exchange(server, 'GET /watch HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(answer).toContain('at last');

    const deaf = open(server);
    deaf.pause();
    deaf.write('GET /flood HTTP/1.1\r\nHost: x\r\n\r\n');
    await gone;
  });

  it('past the most that are allowed is closed at once, and there is room again when one ends', async () => {
    const { server, url } = await serve({ limits: { maxConnections: 1 } });
    const first = open(server);
    await once(first, 'connect');
    expect(await exchange(server, 'GET /ping HTTP/1.1\r\nHost: x\r\n\r\n')).toBe('');
    first.end();
    await once(first, 'close');
    expect((await fetch(`${url}/ping`)).status).toBe(200);
  });
});

describe('stopping', () => {
  it('lets an answer under way finish, closes what is idle, and takes no more', async () => {
    let finish = () => {};
    const started = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let answer = () => {};
    const routes: Route[] = [
      {
        path: '/slow',
        method: 'GET',
        handle(_, response) {
          answer = () => answerText(response, 200, 'done');
          finish();
        },
      },
    ];
    // A stop that hangs would run into the time limit of the test.
    const { server, url } = await serve({ routes, limits: { stopTimeoutMs: 300_000 } });
    const idle = open(server);
    await once(idle, 'connect');
    const slow = exchange(server, 'GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
    await started;
    const stopped = Promise.all([server.stop(), server.stop()]);
    await expect(fetch(`${url}/ping`)).rejects.toThrow();
    answer();
    expect(await slow).toMatch(/done$/);
    await stopped;
    expect(server.port).toBe(0);
  });

  it('does not wait for ever for an answer', async () => {
    const entered = new Promise<HttpServer>((resolve, reject) => {
      const routes: Route[] = [{ path: '/never', method: 'GET', handle: () => resolve(server) }];
      const server = new HttpServer({
        host: '127.0.0.1',
        port: 0,
        routes,
        logger: silentLogger,
        limits: { stopTimeoutMs: 50 },
      });
      server.start().then(() => open(server).write('GET /never HTTP/1.1\r\nHost: x\r\n\r\n'), reject);
    });
    await (await entered).stop();
  });

  it('is safe before a start', async () => {
    await new HttpServer({ host: '127.0.0.1', port: 0, routes: [], logger: silentLogger }).stop();
  });
});

describe('a start', () => {
  it('on a port that is taken names the key, the port and the address', async () => {
    const { server } = await serve();
    const other = new HttpServer({ host: '127.0.0.1', port: server.port, routes: [], logger: silentLogger });
    await expect(other.start()).rejects.toThrow(`HttpPort ${server.port} of 127.0.0.1 cannot be listened on`);
    await other.stop();
  });
});
