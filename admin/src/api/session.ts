/**
 * Who the operator is to the gateway: a bearer token, or nobody. It is kept for the tab, and gone with it.
 *
 *   open ──(a call answers UNAUTHENTICATED)──▶ locked ──(a token that the gateway takes)──▶ open
 */
export interface Session {
  readonly locked: boolean;
  /** A token was given, and the gateway no longer takes it. */
  readonly expired: boolean;
}

const KEY = 'waybill-token';
const listeners = new Set<() => void>();
let token = read();
let session: Session = { locked: false, expired: false };

export function currentToken(): string | undefined {
  return token;
}

export function currentSession(): Session {
  return session;
}

export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The gateway wants to know who this is. */
export function lock(): void {
  if (session.locked) return;
  const expired = token !== undefined;
  write(undefined);
  become({ locked: true, expired });
}

/** The gateway took this token. */
export function unlock(taken: string): void {
  write(taken);
  become({ locked: false, expired: false });
}

/** Forgets the token, on the operator's word. */
export function signOut(): void {
  write(undefined);
  become({ locked: true, expired: false });
}

function become(next: Session): void {
  session = next;
  for (const listener of listeners) listener();
}

function read(): string | undefined {
  try {
    return globalThis.sessionStorage?.getItem(KEY) ?? undefined;
  } catch {
    return undefined;
  }
}

function write(next: string | undefined): void {
  token = next;
  try {
    if (next === undefined) globalThis.sessionStorage?.removeItem(KEY);
    else globalThis.sessionStorage?.setItem(KEY, next);
  } catch {
    // Storage is closed to this page: the token lasts until the page is loaded anew.
  }
}
