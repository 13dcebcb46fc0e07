import { isIP } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import type { Metadata } from '@grpc/grpc-js';
import type { JSONWebKeySet } from 'jose';
import { BusError } from '../../model/errors.js';
import type { Clock } from '../../ports/clock.js';
import { CertificateNames } from './certificate-names.js';
import { type Credentials, parseCredentials } from './credentials-file.js';
import { isJwt, type JwtOptions, JwtVerifier } from './jwt.js';
import { ANYBODY, type Principal } from './principal.js';
import { RateLimit } from './rate-limit.js';
import { TokenStore } from './token-store.js';

/** A call on either port, as far as it tells who makes it. */
export interface Caller {
  readonly metadata: Metadata;
  /** `host:port`. */
  getPeer(): string;
  /** Of a connection whose certificate was verified. */
  getAuthContext(): { readonly sslPeerCertificate?: PeerCertificate };
}

export interface AccessOptions {
  /** Whether there is a file of tokens (config `Tokens`), which comes by `setCredentials`. */
  readonly tokens: boolean;
  /** Undefined: none is taken. */
  readonly jwt: JwtOptions | undefined;
  /** Whether clients bring certificates (config `TlsClientCa`). */
  readonly certificates: boolean;
}

/** Wrong credentials that one address may bring at once, and then a second. */
const FAILURES_AT_ONCE = 30;
const FAILURES_A_SECOND = 1;
const MAX_HEADER_LENGTH = 32_768;

/** Says who calls: by a token, a JSON Web Token, or a client certificate. */
export class Access {
  readonly #tokens = new TokenStore();
  readonly #certificates: CertificateNames;
  readonly #jwt: JwtVerifier | undefined;
  readonly #failures: RateLimit;
  readonly #changed = new Set<() => void>();

  constructor(
    private readonly options: AccessOptions,
    private readonly clock: Clock,
  ) {
    this.#jwt = options.jwt === undefined ? undefined : new JwtVerifier(options.jwt, clock);
    this.#certificates = new CertificateNames(!options.tokens && options.jwt === undefined);
    this.#failures = new RateLimit(clock, FAILURES_A_SECOND, 'wrong credentials a second', FAILURES_AT_ONCE);
  }

  /** Whether anybody is asked who they are. */
  get asks(): boolean {
    const { tokens, jwt, certificates } = this.options;
    return tokens || jwt !== undefined || certificates;
  }

  /** Takes the text of the file in place of the one before; throws an Error with all that is wrong with it, and then changes nothing. */
  setCredentials(text: string): Credentials {
    const credentials = parseCredentials(text);
    this.#tokens.replace(credentials.tokens);
    this.#certificates.replace(credentials.certificates);
    this.#tellChanged();
    return credentials;
  }

  /** The same for the text of a JSON Web Key Set. */
  setKeys(text: string): void {
    this.#jwt?.setKeys(parseKeys(text));
    this.#tellChanged();
  }

  /** Calls the listener when somebody may be good no more. */
  onChanged(listener: () => void): void {
    this.#changed.add(listener);
  }

  /** Who calls; at once, unless a signature must be looked at. Throws or rejects with UNAUTHENTICATED, or RATE_LIMITED after too many of those. */
  authenticate(caller: Caller): Principal | Promise<Principal> {
    if (!this.asks) return ANYBODY;
    const headers = caller.metadata.get('authorization');
    if (headers.length === 0) return this.#byCertificate(caller);
    const token = bearerOf(headers);
    if (token === undefined) throw this.#failed(caller, 'authorization takes one "Bearer" and a token');
    if (this.#jwt !== undefined && token.includes('.')) {
      // What was verified before costs little; a signature does not, and whoever sent too many wrong ones waits.
      const known = this.#jwt.known(token);
      if (known !== undefined) return known;
      if (isJwt(token)) return this.#verified(this.#jwt, token, caller);
    }
    const principal = this.#tokens.find(token);
    if (principal === undefined) throw this.#failed(caller, 'the token is not known here');
    if (!principal.isGood(this.clock.now())) throw this.#failed(caller, 'the token is expired');
    return principal;
  }

  #byCertificate(caller: Caller): Principal {
    const certificate = this.options.certificates ? caller.getAuthContext().sslPeerCertificate : undefined;
    if (certificate === undefined) throw this.#failed(caller, `this gateway asks for ${this.#asksFor()}`);
    const principal = this.#certificates.find(certificate);
    if (principal === undefined)
      throw this.#failed(caller, 'the client certificate is not known here, and there is no token');
    return principal;
  }

  async #verified(jwt: JwtVerifier, token: string, caller: Caller): Promise<Principal> {
    this.#failures.check(addressOf(caller.getPeer()));
    try {
      return await jwt.verify(token);
    } catch (error) {
      const { reason, message } = BusError.from(error);
      throw reason === 'UNAUTHENTICATED' ? this.#failed(caller, message, error) : error;
    }
  }

  /** Counts it. */
  #failed(caller: Caller, words: string, cause?: unknown): BusError {
    this.#failures.take(addressOf(caller.getPeer()), 1);
    return new BusError('UNAUTHENTICATED', words, { cause });
  }

  #asksFor(): string {
    const { tokens, jwt, certificates } = this.options;
    const ways = tokens || jwt !== undefined ? ['a token (authorization: Bearer …)'] : [];
    return [...ways, ...(certificates ? ['a client certificate'] : [])].join(' or ');
  }

  #tellChanged(): void {
    for (const listener of this.#changed) listener();
  }
}

/** The address of `host:port`, which is all that a client cannot choose. */
export function addressOf(peer: string): string {
  const colon = peer.lastIndexOf(':');
  const host = colon < 0 ? peer : peer.slice(0, colon);
  // With IPv6 every machine has a network to itself.
  return isIP(host) === 6 && !host.startsWith('::ffff:') ? host.split(':').slice(0, 4).join(':') : host;
}

function bearerOf([header, ...others]: readonly (string | Buffer)[]): string | undefined {
  if (typeof header !== 'string' || others.length > 0 || header.length > MAX_HEADER_LENGTH) return undefined;
  return /^Bearer +([\x21-\x7e]+)$/i.exec(header)?.[1];
}

function parseKeys(text: string): JSONWebKeySet {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    throw new Error('is not JSON');
  }
  if (!isKeySet(set)) throw new Error('takes {"keys": […]}, one key at least, and only public ones');
  return set;
}

/** A private or a symmetric key has no place in a file that says whom to believe. */
function isKeySet(value: unknown): value is JSONWebKeySet {
  if (typeof value !== 'object' || value === null || !('keys' in value) || !Array.isArray(value.keys)) return false;
  const keys: readonly unknown[] = value.keys;
  return (
    keys.length > 0 &&
    keys.every((key) => typeof key === 'object' && key !== null && 'kty' in key && !('d' in key) && !('k' in key))
  );
}
