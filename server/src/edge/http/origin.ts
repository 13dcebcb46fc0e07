import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { cors } from '@connectrpc/connect';
import { mayBeLoopback } from '../../model/loopback.js';

const METHODS = 'POST';
const REQUEST_HEADERS = [...cors.allowedHeaders, 'Authorization', 'Traceparent', 'Tracestate'].join(', ');
const RESPONSE_HEADERS = cors.exposedHeaders.join(', ');
const PREFLIGHT_SECONDS = 7_200;

/**
 * Which pages may call this gateway from a browser: those it serves itself, and those of the origins that the config names. What no
 * browser sent is not asked for: it needs no page to do harm.
 */
export class Origins {
  readonly #allowed: ReadonlySet<string>;
  readonly #hosts: ReadonlySet<string>;
  /** Whether this machine alone may be who reaches the port. */
  readonly #loopback: boolean;

  constructor(allowed: readonly string[], listenHost: string) {
    this.#allowed = new Set(allowed);
    this.#hosts = new Set(allowed.map((origin) => new URL(origin).host));
    this.#loopback = mayBeLoopback(listenHost);
  }

  /** Whether any page of another origin may call. */
  get open(): boolean {
    return this.#allowed.size > 0;
  }

  /** Why this page may not call; undefined when it may. */
  refusal({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
    const { origin, host = '' } = headers;
    const site = headers['sec-fetch-site'];
    if (origin !== undefined && this.#allowed.has(origin)) return undefined;
    if (site === 'cross-site' || site === 'same-site') {
      return `pages of ${origin ?? 'another origin'} may not call this gateway (config HttpAllowedOrigins)`;
    }
    // A name of somebody else's that was pointed at this machine is the same origin to a browser.
    if ((origin !== undefined || site !== undefined) && this.#loopback && !isOurs(host) && !this.#hosts.has(host)) {
      return `this gateway is not called ${host} (config HttpAllowedOrigins)`;
    }
    return undefined;
  }

  /** Lets the page read the answer, where it may. */
  allow({ headers }: IncomingMessage, response: ServerResponse): void {
    if (!this.open) return;
    response.setHeader('vary', 'origin');
    const { origin } = headers;
    if (origin === undefined || !this.#allowed.has(origin)) return;
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-expose-headers', RESPONSE_HEADERS);
  }

  /** Answers a browser that asks before it calls. */
  preflight(request: IncomingMessage, response: ServerResponse): void {
    this.allow(request, response);
    if (response.hasHeader('access-control-allow-origin')) {
      response.setHeader('access-control-allow-methods', METHODS);
      response.setHeader('access-control-allow-headers', REQUEST_HEADERS);
      response.setHeader('access-control-max-age', PREFLIGHT_SECONDS);
    }
    response.writeHead(204).end();
  }
}

/** A name or address that nobody else can own. */
function isOurs(host: string): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || name.endsWith('.localhost') || isIP(name) !== 0;
}
