import type { DescService } from '@bufbuild/protobuf';
import { type Client, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web';

/** How a browser may speak to the HTTP port. */
export const PROTOCOLS = {
  'Connect, JSON': (baseUrl: string, interceptors: Interceptor[]) => createConnectTransport({ baseUrl, interceptors }),
  'Connect, protobuf': (baseUrl: string, interceptors: Interceptor[]) =>
    createConnectTransport({ baseUrl, interceptors, useBinaryFormat: true }),
  'gRPC-Web': (baseUrl: string, interceptors: Interceptor[]) => createGrpcWebTransport({ baseUrl, interceptors }),
};

export type Protocol = keyof typeof PROTOCOLS;

/** A client of one service at the HTTP port, by the library that browsers use. */
export function connectClient<T extends DescService>(
  service: T,
  url: string,
  protocol: Protocol = 'Connect, JSON',
  interceptors: Interceptor[] = [],
): Client<T> {
  return createClient(service, PROTOCOLS[protocol](url, interceptors));
}
