import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { StartError } from '../../model/errors.js';
import type { Logger } from '../../ports/logger.js';
import type { Service } from '../../ports/service.js';
import type { Tls } from '../tls.js';
import { answerJson } from './answer.js';
import { type Route, type RouteTable, requestPath, routesOf, routeTable } from './route.js';

export interface HttpLimits {
  readonly maxConnections: number;
  readonly maxHeaderBytes: number;
  /** From the first byte, or from connecting, to the end of the headers. */
  readonly headersTimeoutMs: number;
  /** To the end of the body. */
  readonly requestTimeoutMs: number;
  /** Between two requests of one connection. */
  readonly keepAliveTimeoutMs: number;
  /** Without a byte in either direction, as with a client that does not read its answer. */
  readonly silenceTimeoutMs: number;
  /** How long `stop` waits for answers under way. */
  readonly stopTimeoutMs: number;
}

export const HTTP_LIMITS: HttpLimits = {
  // Silent ones are closed after seconds: as many as a crowd of them leave room for a probe.
  maxConnections: 16_384,
  maxHeaderBytes: 16_384,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 10_000,
  silenceTimeoutMs: 60_000,
  stopTimeoutMs: 5_000,
};

/** Whether a client that does without a certificate may ask for more than a probe does, is told from its connection. */
export type HttpTls = Pick<Tls, 'httpsOptions' | 'keep' | 'socketIsTrusted'>;

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly routes: readonly Route[];
  readonly logger: Logger;
  readonly limits?: Partial<HttpLimits>;
  /** Undefined: plain. */
  readonly tls?: HttpTls | undefined;
}

/**
 * The HTTP port. Malformed, oversized and slow requests are answered with 400, 431 and 408 by node itself, which then closes the
 * connection; `start` rejects when the port cannot be had.
 */
export class HttpServer implements Service {
  readonly #options: HttpServerOptions;
  readonly #limits: HttpLimits;
  readonly #routes: RouteTable;
  /** Connections that have not asked for anything yet: node does not take them for idle when it closes. */
  readonly #unused = new Set<Socket>();
  #server: Server | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#limits = { ...HTTP_LIMITS, ...options.limits };
    this.#routes = routeTable(options.routes);
  }

  /** The port that is listened on; 0 while none is. */
  get port(): number {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async start(): Promise<void> {
    const { host, port, logger, tls } = this.#options;
    const limits = this.#limits;
    const options = {
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: Math.max(limits.requestTimeoutMs, limits.headersTimeoutMs),
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
      // Finds a client that vanished while it waited for its answer.
      keepAlive: true,
      keepAliveInitialDelay: limits.silenceTimeoutMs,
    };
    const server = tls === undefined ? createServer(options) : tlsServer(tls, options);
    server.maxConnections = limits.maxConnections;
    server.setTimeout(limits.silenceTimeoutMs);
    server.on('connection', (socket) => {
      this.#unused.add(socket);
      socket.once('close', () => this.#unused.delete(socket));
    });
    server.on('request', (request, response) => this.#answer(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        reject(new StartError(`HttpPort ${port} of ${host} cannot be listened on: ${error.message}`, { cause: error }));
      });
      server.listen(port, host, resolve);
    });
    server.on('error', (error) => logger.error({ err: error }, 'http server failed'));
    this.#server = server;
    logger.info({ host, port: this.port }, 'http server listens');
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    for (const socket of this.#unused) socket.destroy();
    const late = setTimeout(() => server.closeAllConnections(), this.#limits.stopTimeoutMs);
    await closed;
    clearTimeout(late);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.#unused.delete(request.socket);
    // A stop lets answers under way finish, and then nothing keeps the connection.
    response.once('close', () => {
      if (this.#stopped !== undefined) request.socket.destroySoon();
    });
    const found = this.#find(request);
    if ('error' in found) refuse(response, found);
    else this.#handle(found, request, response).catch((error: unknown) => this.#fail(error, request, response));
  }

  #find(request: IncomingMessage): Route | Refusal {
    const path = requestPath(request.url ?? '');
    if (path === undefined) return { status: 400, error: 'a path is missing' };
    const methods = routesOf(this.#routes, path);
    if (methods === undefined) return { status: 404, error: 'no such path' };
    const route = methods.get(request.method ?? '');
    if (route === undefined) {
      const allow = Array.from(methods.keys()).join(', ');
      return { status: 405, error: `this path takes ${allow}`, allow };
    }
    const { tls } = this.#options;
    if (tls !== undefined && route.open !== true && !tls.socketIsTrusted(request.socket)) {
      return { status: 401, error: 'this gateway asks for a client certificate' };
    }
    return route.method !== 'POST' && hasBody(request) ? { status: 413, error: 'this request takes no body' } : route;
  }

  async #handle(route: Route, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (route.mayWait) {
      response.on('timeout', (socket) => {
        const waits = request.complete && socket.writableLength === 0;
        if (waits) socket.setTimeout(this.#limits.silenceTimeoutMs);
        else socket.destroy();
      });
    }
    await route.handle(request, response);
  }

  #fail(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    const id = randomUUID();
    this.#options.logger.error({ err: error, id, method: request.method, path: request.url }, 'http request failed');
    if (response.headersSent) response.destroy();
    else answerJson(response, 500, { error: 'internal error', id });
  }
}

function tlsServer(tls: HttpTls, options: ServerOptions): Server {
  const server = createTlsServer({ ...options, ...tls.httpsOptions });
  tls.keep(server);
  return server;
}

interface Refusal {
  readonly status: number;
  readonly error: string;
  readonly allow?: string;
}

/** The connection is closed as well: the rest of a request that nobody reads is not waited for. */
function refuse(response: ServerResponse, { status, error, allow }: Refusal): void {
  response.setHeader('connection', 'close');
  if (allow !== undefined) response.setHeader('allow', allow);
  answerJson(response, status, { error });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
