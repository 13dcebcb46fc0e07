import { checkServerIdentity } from 'node:tls';
import { type ChannelOptions, experimental, status, type VerifyOptions } from '@grpc/grpc-js';

const SCHEME = 'waybill';

/**
 * What a grpc-js channel dials: one address, or a list, whose names are all resolved. grpc-js itself takes a list of numeric
 * addresses only.
 */
export function channelTarget(addresses: readonly string[]): string {
  const [first = '', ...others] = addresses;
  if (others.length === 0) return first;
  experimental.registerResolver(SCHEME, ListResolver);
  return `${SCHEME}:${addresses.join(',')}`;
}

/** A gateway's certificate may be for any of the list's names: grpc-js would ask all of them for the first one. */
export function verifyOptions(addresses: readonly string[]): VerifyOptions {
  if (addresses.length < 2) return {};
  const hosts = addresses.map((address) => experimental.splitHostPort(address)?.host ?? address);
  return {
    checkServerIdentity(first, certificate) {
      const valid = hosts.some((host) => checkServerIdentity(host, certificate) === undefined);
      return valid ? undefined : checkServerIdentity(first, certificate);
    },
  };
}

type Found = Parameters<experimental.ResolverListener>[0];

/** One grpc-js resolver for each address; the endpoints are those of all. A name that does not resolve is asked for again. */
class ListResolver implements experimental.Resolver {
  readonly #listener: experimental.ResolverListener;
  readonly #resolvers: readonly experimental.Resolver[];
  /** By address; undefined until it was answered. */
  readonly #found: (Found | undefined)[];

  constructor(target: experimental.GrpcUri, listener: experimental.ResolverListener, options: ChannelOptions) {
    const paths = target.path.split(',');
    this.#listener = listener;
    this.#found = paths.map(() => undefined);
    this.#resolvers = paths.map((path, index) =>
      experimental.createResolver({ scheme: 'dns', path }, (found) => this.#answered(index, found), options),
    );
  }

  static getDefaultAuthority({ path }: experimental.GrpcUri): string {
    return path.split(',')[0] ?? path;
  }

  updateResolution(): void {
    for (const resolver of this.#resolvers) resolver.updateResolution();
  }

  destroy(): void {
    this.#found.fill(undefined);
    for (const resolver of this.#resolvers) resolver.destroy();
  }

  #answered(index: number, found: Found): boolean {
    // It waits for its own backoff.
    if (!found.ok) this.#resolvers[index]?.updateResolution();
    // What was found before is better than nothing.
    if (found.ok || this.#found[index]?.ok !== true) this.#found[index] = found;
    const endpoints = this.#found.flatMap((each) => (each?.ok === true ? each.value : []));
    if (endpoints.length > 0) return this.#tell(experimental.statusOrFromValue(endpoints));
    const all = this.#found.every((each) => each !== undefined);
    return all ? this.#tell(experimental.statusOrFromError(found.ok ? UNRESOLVED : found.error)) : true;
  }

  #tell(found: Found): boolean {
    return this.#listener(found, {}, null, '');
  }
}

const UNRESOLVED = { code: status.UNAVAILABLE, details: 'no address of the list was found' };
