import { parseUrl } from './address.js';
import { type Key, SETTINGS } from './schema.js';

export const MASK = '******';

/** The value of a key as it may be printed. */
export function masked(key: Key, value: string): string {
  const { secret } = SETTINGS[key];
  if (secret === undefined || value === '') return value;
  return secret === 'url' ? maskUrl(value) : MASK;
}

/** A URL without its password. Where it is not clear which part that is, all that could be is masked. */
export function maskUrl(text: string): string {
  const url = parseUrl(text);
  if (url === undefined || url.hostname === '') {
    const scheme = /^[a-z]{1,16}:\/\//i.exec(text)?.[0] ?? '';
    const at = text.lastIndexOf('@');
    return `${scheme}${MASK}${at < 0 ? '' : text.slice(at)}`;
  }
  if (url.password !== '') url.password = MASK;
  for (const name of url.searchParams.keys()) {
    if (/pass|secret|token|key/i.test(name)) url.searchParams.set(name, MASK);
  }
  return url.toString();
}
