import type { IncomingMessage, ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import { Metadata } from '@grpc/grpc-js';
import { BusError, type Reason } from '../../model/errors.js';
import type { Caller } from '../access/access.js';
import type { Guard } from '../access/guard.js';
import { answerJson } from './answer.js';
import type { Route } from './route.js';

export interface MetricsPage {
  readonly contentType: string;
  text(): Promise<string>;
}

/** `/metrics`, in the text format of Prometheus. It names topics and channels: whoever reads it must be allowed to see all. */
export function metricsRoute(page: MetricsPage, guard: Pick<Guard, 'admitReader'>): Route {
  return {
    path: '/metrics',
    method: 'GET',
    async handle(request, response) {
      try {
        await guard.admitReader(callerOf(request));
      } catch (error) {
        refuse(response, BusError.from(error));
        return;
      }
      const body = await page.text();
      response.writeHead(200, {
        'content-type': page.contentType,
        'content-length': Buffer.byteLength(body),
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
      response.end(body);
    },
  };
}

function callerOf({ headers, socket }: IncomingMessage): Caller {
  const metadata = new Metadata();
  if (headers.authorization !== undefined) metadata.set('authorization', headers.authorization);
  return {
    metadata,
    getPeer: () => `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`,
    // Without the check, a certificate that nobody signed would be taken for what it says.
    getAuthContext: () =>
      socket instanceof TLSSocket && socket.authorized ? { sslPeerCertificate: socket.getPeerCertificate() } : {},
  };
}

const STATUS: Partial<Record<Reason, number>> = { UNAUTHENTICATED: 401, PERMISSION_DENIED: 403, RATE_LIMITED: 429 };

function refuse(response: ServerResponse, error: BusError): void {
  const status = STATUS[error.reason];
  if (status === undefined) throw error;
  if (status === 401) response.setHeader('www-authenticate', 'Bearer');
  answerJson(response, status, { error: error.message });
}
