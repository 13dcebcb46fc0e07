import type { ConnectOptions } from '@waybill/sdk';
import type { Gateway, Settings } from '../support/gateway.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import type { Stage } from './stage.js';

/** The ways that bytes go: from a client to its gateway, and from a gateway to each of its services. */
export const HOPS = ['client', 'rabbitmq', 'mysql', 'redis'] as const;
export type Hop = (typeof HOPS)[number];

export interface Proxied {
  readonly gateway: Gateway;
  /** Where clients connect to. */
  readonly url: string;
  /** One for each hop that was asked for, in that order. */
  readonly proxies: readonly TcpProxy[];
}

/** A gateway with a proxy on these hops. `heartbeat`: seconds, of RabbitMQ; the gateway's own default without. */
export async function proxied(
  stage: Stage,
  hops: readonly Hop[],
  settings: Settings = {},
  heartbeat?: number,
): Promise<Proxied> {
  const proxies = new Map<Hop, TcpProxy>();
  const put = async (hop: Hop, target: string) => {
    const proxy = await TcpProxy.start(target);
    proxies.set(hop, proxy);
    stage.atEnd(() => proxy.close());
    return proxy;
  };
  const own: Record<string, string | number> = {};
  for (const hop of hops) {
    if (hop === 'client') continue;
    const url = new URL(stage.services[hop]);
    const proxy = await put(hop, url.host);
    if (hop === 'mysql') Object.assign(own, { DB_HOST: '127.0.0.1', DB_PORT: proxy.port });
    if (hop === 'redis') own.RedisAddr = proxy.address;
    if (hop === 'rabbitmq') {
      url.host = proxy.address;
      if (heartbeat !== undefined) url.searchParams.set('heartbeat', String(heartbeat));
      own.AmqpUrl = url.href;
    }
  }
  const gateway = await stage.gateway({ DLMExpiration: 1, ...settings, ...own });
  const url = hops.includes('client') ? (await put('client', gateway.rpcUrl)).address : gateway.rpcUrl;
  return { gateway, url, proxies: hops.flatMap((hop) => proxies.get(hop) ?? []) };
}

/** What makes a client look for a dead connection sooner than by default. */
export const WATCHFUL: Pick<ConnectOptions, 'keepalive'> = { keepalive: { time: 1_000, timeout: 1_000 } };
