import { createHash } from 'node:crypto';
import { BusError } from './errors.js';

export const MAX_LOCK_NAME_LENGTH = 128;
export const MIN_LOCK_TTL_MS = 100;
export const MAX_LOCK_TTL_MS = 86_400_000;

/** A lock as its holder names it: whoever knows the secret may renew and release it. */
export interface LockKey {
  readonly name: string;
  readonly secret: string;
}

const NAME = new RegExp(`^[A-Za-z0-9._:@-]{1,${MAX_LOCK_NAME_LENGTH}}$`);
/** A secret is a UUID, so the first dot ends it, whatever dots the name has. */
const TOKEN = new RegExp(`^([0-9a-f-]{36})\\.([A-Za-z0-9._:@-]{1,${MAX_LOCK_NAME_LENGTH}})$`);

/** Throws LOCK_INVALID unless `name` can name a lock. */
export function checkLockName(name: string, field: string): void {
  if (NAME.test(name)) return;
  const limit = `1 to ${MAX_LOCK_NAME_LENGTH} characters of A-Z a-z 0-9 . _ : @ -`;
  const what = name === '' ? 'is empty' : name.length > MAX_LOCK_NAME_LENGTH ? 'is too long' : 'has other characters';
  throw new BusError('LOCK_INVALID', `${field} ${what}: it takes ${limit}`, { field, limit });
}

export function formatLockToken({ name, secret }: LockKey): string {
  return `${secret}.${name}`;
}

/** Tells whose a lock is, to whoever has its token, and is no use for anything else. */
export function lockTokenHash(key: LockKey): string {
  return createHash('sha256').update(formatLockToken(key)).digest('hex').slice(0, 12);
}

/** Throws LOCK_TOKEN_INVALID for what no `formatLockToken` gave. */
export function parseLockToken(token: string, field: string): LockKey {
  const [, secret, name] = TOKEN.exec(token) ?? [];
  if (secret === undefined || name === undefined) {
    const limit = 'the token of a lock that was acquired';
    throw new BusError('LOCK_TOKEN_INVALID', `${field} takes ${limit}`, { field, limit });
  }
  return { name, secret };
}
