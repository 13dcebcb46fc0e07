import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';

export type Right = 'publish' | 'consume' | 'read' | 'admin' | 'locks';
export const RIGHTS: readonly Right[] = ['publish', 'consume', 'read', 'admin', 'locks'];

export interface TokenFacts extends Readonly<Partial<Record<Right, readonly string[]>>> {
  readonly expires?: string;
}

/** The same patterns for several rights. */
export function rightsTo(rights: readonly Right[], ...patterns: readonly string[]): TokenFacts {
  return Object.fromEntries(rights.map((right) => [right, patterns.map((one) => plainly(right, one))]));
}

/** Topics and locks have no channels. */
function plainly(right: Right, pattern: string): string {
  return right === 'publish' || right === 'locks' ? pattern.replace(/\/.*$/, '') : pattern;
}

/** A file of config `Tokens`, and the tokens themselves, which are not in it. */
export class TokenFile {
  readonly #facts = new Map<string, TokenFacts>();
  readonly #tokens = new Map<string, string>();

  constructor(readonly path: string) {}

  /** Makes a token, or gives the one of this name other rights; `write` follows. */
  add(name: string, facts: TokenFacts): string {
    this.#facts.set(name, facts);
    const token = this.#tokens.get(name) ?? `wb_${randomBytes(32).toString('base64url')}`;
    this.#tokens.set(name, token);
    return token;
  }

  remove(name: string): void {
    this.#facts.delete(name);
  }

  of(name: string): string {
    const token = this.#tokens.get(name);
    if (token === undefined) throw new Error(`there is no token ${name}`);
    return token;
  }

  write(): void {
    const tokens = [...this.#facts].map(([name, facts]) => ({
      name,
      sha256: createHash('sha256').update(this.of(name)).digest('hex'),
      ...facts,
    }));
    // JSON is YAML too.
    writeFileSync(this.path, JSON.stringify({ tokens }));
  }
}
