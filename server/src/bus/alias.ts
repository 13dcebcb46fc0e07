import { randomBytes } from 'node:crypto';

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz';
const TIME_DIGITS = 9;
const RANDOM_DIGITS = 11;
const ALIAS = /^[0-9a-z]{20}$/;

/**
 * Another name for a delivery, where a receipt is too long: 20 characters, the time first, so that the ledger's index grows at
 * its end. Two of the same millisecond are alike with a chance of one in 10^17.
 */
export function makeAlias(now: number): string {
  let text = now.toString(36).padStart(TIME_DIGITS, '0');
  for (const byte of randomBytes(RANDOM_DIGITS)) text += DIGITS[byte % 36];
  return text;
}

export function isAlias(text: string): boolean {
  return ALIAS.test(text);
}
