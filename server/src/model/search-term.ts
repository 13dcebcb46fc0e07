import { MAX_HEADER_NAME_LENGTH, MAX_KEY_LENGTH, type Message } from './message.js';
import { isVisibleAscii, readHeaders } from './message-codec.js';

/** What a message is found by in the ledger, besides its id: its key, or one of its headers. */
export interface SearchTerm {
  /** The header's; empty for the key. */
  readonly name: string;
  /** Up to 128 characters. */
  readonly value: string;
}

/** The terms of a message; undefined for none, as nearly all have none where no header is searched for. */
export type TermsOf = (message: Pick<Message, 'key' | 'wire'>) => readonly SearchTerm[] | undefined;

export const KEY_TERM = '';
export const MAX_SEARCH_HEADERS = 8;

/** `headers` are those that are searched for; without any, no message is decoded for it. */
export function termsOf(headers: readonly string[]): TermsOf {
  if (headers.length === 0) return ({ key }) => (key === '' ? undefined : [keyTerm(key)]);
  const names = new Set(headers);
  return ({ key, wire }) => {
    const terms = key === '' ? [] : [keyTerm(key)];
    for (const [name, value] of readHeaders(wire, names)) terms.push(headerTerm(name, value));
    return terms.length === 0 ? undefined : terms;
  };
}

export function keyTerm(key: string): SearchTerm {
  return { name: KEY_TERM, value: key };
}

/** Of a long value, the beginning counts: in what is kept, and in what is asked for. */
export function headerTerm(name: string, value: string): SearchTerm {
  return { name, value: value.slice(0, MAX_KEY_LENGTH) };
}

/** The names in a list as the config has it: separated by commas, spaces around them do not count. */
export function splitHeaders(list: string): string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

export function areHeaders(list: string): boolean {
  const names = splitHeaders(list);
  return names.length <= MAX_SEARCH_HEADERS && names.every((name) => isVisibleAscii(name, MAX_HEADER_NAME_LENGTH));
}
