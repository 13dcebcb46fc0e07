import { invalidOption } from './errors.js';

/** Where the gateways are. */
export interface Addresses {
  /** `host:port` each; at least one. */
  readonly addresses: readonly string[];
  readonly secure: boolean;
}

const DEFAULT_PORT = 9_091;
const LIMIT =
  'host:port, with http://, https://, grpc:// or grpcs:// before it or not; several with commas between, all plain or all TLS';

/** Reads option `url`. A scheme counts for what follows it. Throws InvalidArgumentError. */
export function parseAddresses(url: string | readonly string[]): Addresses {
  const parts = typeof url === 'string' ? url.split(',') : url;
  const addresses: string[] = [];
  let secure: boolean | undefined;
  for (const part of parts) {
    const match = /^(?:(https?|grpcs?):\/\/)?(\[[0-9a-fA-F:.]+\]|[^\s/:,]+)(?::(\d{1,5}))?\/?$/.exec(part.trim());
    if (match === null) throw invalidOption('url', url, LIMIT);
    const [, scheme, host = '', port = String(DEFAULT_PORT)] = match;
    const tls: boolean = scheme === undefined ? (secure ?? false) : scheme.endsWith('s');
    if (secure !== undefined && tls !== secure) throw invalidOption('url', url, LIMIT);
    secure = tls;
    const address = `${host}:${port}`;
    if (!addresses.includes(address)) addresses.push(address);
  }
  if (secure === undefined) throw invalidOption('url', url, LIMIT);
  return { addresses, secure };
}
