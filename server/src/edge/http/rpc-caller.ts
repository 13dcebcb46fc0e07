import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { type ContextValues, createContextKey, createContextValues, type HandlerContext } from '@connectrpc/connect';
import { Metadata } from '@grpc/grpc-js';
import type { Caller } from '../direct/caller.js';

type Connection = Pick<Caller, 'peer' | 'host' | 'auth'>;

const CONNECTION = createContextKey<Connection>({ peer: 'unknown', host: '', auth: {} });

/** What HTTP, Connect and gRPC-Web say among themselves, and what browsers add: a handler sees none of it. */
const OURS =
  /^(accept|cache-|connect-|connection$|content-|cookie$|expect$|forwarded$|grpc-|host$|keep-alive$|origin$|pragma$|proxy-|referer$|sec-|te$|trailer|transfer-encoding$|upgrade|x-grpc-web$)/;

/** What of a request's connection its handler may ask for. */
export function contextOf({ socket, headers }: IncomingMessage): ContextValues {
  return createContextValues().set(CONNECTION, {
    peer: `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`,
    host: headers.host ?? '',
    // Without the check, a certificate that nobody signed would be taken for what it says.
    auth:
      socket instanceof TLSSocket && socket.authorized
        ? { transportSecurityType: 'ssl', sslPeerCertificate: socket.getPeerCertificate() }
        : {},
  });
}

export function callerOf(context: HandlerContext): Caller {
  const timeoutMs = context.timeoutMs();
  return {
    ...context.values.get(CONNECTION),
    metadata: metadataOf(context.requestHeader),
    deadline: timeoutMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + timeoutMs,
  };
}

function metadataOf(headers: Headers): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of headers) {
    if (OURS.test(name)) continue;
    metadata.set(name, name.endsWith('-bin') ? Buffer.from(value, 'base64') : value);
  }
  return metadata;
}
