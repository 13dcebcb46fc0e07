import type { TokenEntry } from './credentials-file.js';
import { Permissions } from './permissions.js';
import { Principal } from './principal.js';
import { hashOf, sameHash } from './token.js';

interface Held {
  readonly hash: Buffer;
  /** The entry as text: whoever it stands for goes on while it is the same. */
  readonly entry: string;
  readonly principal: Principal;
}

/** Tokens that came lately and need not be hashed again, which takes some µs of every call. */
const MAX_RECENT = 1_000;

/** The tokens of the file, by their hashes. */
export class TokenStore {
  #byHash = new Map<string, Held>();
  readonly #recent = new Map<string, Principal>();

  /** Takes these in place of those before: one that is gone or was changed is good no more. */
  replace(entries: readonly TokenEntry[]): void {
    const before = this.#byHash;
    this.#recent.clear();
    this.#byHash = new Map(
      entries.map((entry) => {
        const text = JSON.stringify(entry);
        const old = before.get(entry.sha256);
        return [entry.sha256, old?.entry === text ? old : held(entry, text)];
      }),
    );
    for (const [hash, { principal }] of before) {
      if (this.#byHash.get(hash)?.principal !== principal) principal.revoke();
    }
  }

  /** Who brings this token; undefined for one that is not in the file. */
  find(token: string): Principal | undefined {
    const recent = this.#recent.get(token);
    if (recent !== undefined) return recent;
    const hash = hashOf(token);
    const found = this.#byHash.get(hash.toString('hex'));
    // The table tells by its timing nothing of use: who can steer the hash of a guess has not found the token. The comparison costs nothing.
    if (found === undefined || !sameHash(found.hash, hash)) return undefined;
    if (this.#recent.size >= MAX_RECENT) this.#recent.clear();
    this.#recent.set(token, found.principal);
    return found.principal;
  }
}

function held({ name, sha256, grants, expiresAt }: TokenEntry, entry: string): Held {
  const permissions = new Permissions(grants);
  const principal = new Principal({ name, permissions, ...(expiresAt === undefined ? {} : { expiresAt }) });
  return { hash: Buffer.from(sha256, 'hex'), entry, principal };
}
