import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeProtectedHeader,
  errors,
  type JSONWebKeySet,
  jwtVerify,
} from 'jose';
import { BusError } from '../../model/errors.js';
import type { Clock } from '../../ports/clock.js';
import { readGrants } from './grants.js';
import { type Grant, type Grants, Permissions, RIGHTS, type Right } from './permissions.js';
import { Principal, type Source } from './principal.js';
import { hashOf } from './token.js';

export interface JwtOptions {
  /** Empty: the keys are in a file, and come by `setKeys`. */
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audience: string;
  /** The only ones that are taken: none of them is symmetric, and `none` is not among them. */
  readonly algorithms: readonly string[];
  readonly clockSkewSeconds: number;
  /** The claim that holds patterns by right; empty: none does, only `scope`. */
  readonly permissionsClaim: string;
}

type Keys = ReturnType<typeof createRemoteJWKSet> | ReturnType<typeof createLocalJWKSet>;

interface Verified {
  readonly principal: Principal;
  /** By the steady clock, in milliseconds: for how long the signature need not be looked at again. */
  readonly until: number;
}

export const JWT_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
];

const MAX_KEPT = 10_000;
const MAX_LENGTH = 16_384;
/** A key that its issuer took back is refused for new calls after this long at most, with the time that its list is kept. */
const TRUST_MS = 60_000;
const KEYS_AGE_MS = 60_000;
const KEYS_COOLDOWN_MS = 5_000;
const KEYS_TIMEOUT_MS = 5_000;
const MAX_NAME_LENGTH = 32;

/** Who brings a JSON Web Token that a known key signed. */
export class JwtVerifier {
  readonly #kept = new Map<string, Verified>();
  #keys: Keys | undefined;
  /** Of all that were verified by these keys. */
  #source: Source = { revoked: false };

  constructor(
    private readonly options: JwtOptions,
    private readonly clock: Clock,
  ) {
    if (options.jwksUrl === '') return;
    this.#keys = createRemoteJWKSet(new URL(options.jwksUrl), {
      timeoutDuration: KEYS_TIMEOUT_MS,
      cooldownDuration: KEYS_COOLDOWN_MS,
      cacheMaxAge: KEYS_AGE_MS,
    });
  }

  /** Takes these in place of those before: whoever came by one that is gone is refused from here on. Throws on what is no key set. */
  setKeys(set: JSONWebKeySet): void {
    this.#keys = createLocalJWKSet(set);
    this.#source.revoked = true;
    this.#source = { revoked: false };
    this.#kept.clear();
  }

  /** Undefined: it was not verified lately, and `verify` has to. */
  known(token: string): Principal | undefined {
    const kept = this.#kept.get(keyOf(token));
    if (kept === undefined || this.clock.steady() >= kept.until) return undefined;
    return kept.principal.isGood(this.clock.now()) ? kept.principal : undefined;
  }

  /** Rejects with UNAUTHENTICATED; with KEYS_UNAVAILABLE while the keys cannot be fetched, which is no fault of the caller. */
  async verify(token: string): Promise<Principal> {
    const { issuer, audience, algorithms, clockSkewSeconds } = this.options;
    if (token.length > MAX_LENGTH) throw refused(`has more than ${MAX_LENGTH} characters`);
    if (this.#keys === undefined) throw refused('cannot be verified: there are no keys yet');
    const keys = this.#keys;
    const source = this.#source;
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: [...algorithms],
        clockTolerance: clockSkewSeconds,
        currentDate: new Date(this.clock.now()),
        requiredClaims: ['exp', 'sub'],
        ...(issuer === '' ? {} : { issuer }),
        ...(audience === '' ? {} : { audience }),
      });
      const { sub = '', exp = 0 } = payload;
      const principal = new Principal({
        name: nameOf(sub),
        permissions: new Permissions(grantsOf(payload, this.options.permissionsClaim)),
        expiresAt: (exp + clockSkewSeconds) * 1000,
        source,
      });
      // The keys may have been replaced meanwhile.
      if (keys !== this.#keys) return this.verify(token);
      if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
      this.#kept.set(keyOf(token), { principal, until: this.clock.steady() + TRUST_MS });
      return principal;
    } catch (error) {
      if (error instanceof BusError) throw error;
      if (!isOfToken(error))
        throw new BusError('KEYS_UNAVAILABLE', 'the keys that tokens are verified by cannot be had', { cause: error });
      throw refused(wordsOf(error), error);
    }
  }
}

/** Whether a bearer token has the form of one. */
export function isJwt(token: string): boolean {
  if (token.split('.', 4).length !== 3) return false;
  try {
    decodeProtectedHeader(token);
    return true;
  } catch {
    return false;
  }
}

/**
 * Patterns by right in the claim (`{"publish": ["orders.*"]}`), and words of `scope` (`waybill:publish:orders.*`). What is no
 * pattern gives no right.
 */
export function grantsOf(payload: Readonly<Record<string, unknown>>, claim: string): Grants {
  const own: unknown = claim === '' ? undefined : payload[claim];
  const byRight = typeof own === 'object' && own !== null ? { ...own } : {};
  const scoped: Record<string, string[]> = {};
  const { scope } = payload;
  for (const word of typeof scope === 'string' ? scope.split(' ') : []) {
    const match = /^waybill:([a-z]+):(\S+)$/.exec(word);
    const right = RIGHTS.find((one) => one === match?.[1]);
    if (right !== undefined && match?.[2] !== undefined) scoped[right] = [...(scoped[right] ?? []), match[2]];
  }
  const [a, b] = [readGrants(byRight, ignore), readGrants(scoped, ignore)];
  const all = (right: Right): readonly Grant[] => [...a[right], ...b[right]];
  return {
    publish: all('publish'),
    consume: all('consume'),
    read: all('read'),
    admin: all('admin'),
    locks: all('locks'),
  };
}

function ignore(): void {}

/** Subjects may be anything; in the audit log and before consumers' names stands what a name may hold. */
function nameOf(subject: string): string {
  const name = subject.replace(/[^A-Za-z0-9._:@-]/g, '_').slice(0, MAX_NAME_LENGTH);
  return name === '' ? 'unnamed' : name;
}

function keyOf(token: string): string {
  return hashOf(token).toString('base64');
}

/** Never the token, nor what stands in it but the name of the claim that is wrong. */
function wordsOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'is expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `has a claim that is wrong or missing: ${error.claim}`;
  if (error instanceof errors.JOSEAlgNotAllowed) return 'is signed by an algorithm that is not allowed';
  if (error instanceof errors.JWKSNoMatchingKey) return 'is signed by a key that is not known';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'has a wrong signature';
  return 'cannot be verified';
}

/** The rest came up on the way to the keys. */
function isOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout) && error.code !== 'ERR_JOSE_GENERIC'
  );
}

function refused(words: string, cause?: unknown): BusError {
  return new BusError('UNAUTHENTICATED', `the token ${words}`, { cause });
}
