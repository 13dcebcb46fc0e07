import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const PREFIX = 'wb_';
const SECRET_BYTES = 32;

/** A new token: 256 random bits, marked so that scanners for leaked secrets find it. */
export function newToken(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64url');
}

/**
 * What is kept of a token. One round of SHA-256 is right for 256 random bits, of which nobody can try enough; a slow hash
 * protects what people choose, and would be paid for by every call.
 */
export function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Takes as long for a near miss as for any other. */
export function sameHash(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
