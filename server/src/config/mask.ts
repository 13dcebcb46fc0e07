import { parseUrl, splitAmqpUrls } from './address.js';
import { type Key, SETTINGS } from './schema.js';

export const MASK = '******';

/** The value of a key as it may be printed. */
export function masked(key: Key, value: string): string {
  const { secret } = SETTINGS[key];
  if (secret === undefined || value === '') return value;
  return secret === 'url' ? maskUrl(value) : MASK;
}

/** URLs without their passwords. Where it is not clear which part that is, all that could be is masked. */
export function maskUrl(text: string): string {
  const urls: string[] = [];
  for (const part of splitAmqpUrls(text)) {
    const url = parseUrl(part);
    if (url === undefined || url.hostname === '') return maskUnclear(text);
    if (url.password !== '') url.password = MASK;
    for (const name of url.searchParams.keys()) {
      if (/pass|secret|token|key/i.test(name)) url.searchParams.set(name, MASK);
    }
    urls.push(url.toString());
  }
  return urls.join(',');
}

/** One URL that is wrong leaves all in doubt: its password may hold what looks like the next one. */
function maskUnclear(text: string): string {
  const scheme = /^[a-z]{1,16}:\/\//i.exec(text)?.[0] ?? '';
  const at = text.lastIndexOf('@');
  return `${scheme}${MASK}${at < 0 ? '' : text.slice(at)}`;
}
