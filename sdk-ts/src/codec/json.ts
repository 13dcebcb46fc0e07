import { jsonText } from '../body.js';
import { UnrecoverableError } from '../consumer/handler-errors.js';
import type { Codec } from './codec.js';
import { textOf } from './text.js';

export const JSON_TYPE = 'application/json';

/** JSON of a type that is yours to vouch for: nothing checks it. A validator in its place does. */
export function json<T>(): Codec<T> {
  return { contentType: JSON_TYPE, encode: jsonText, decode: parseJson };
}

/** Throws UnrecoverableError for what is no JSON. The type is the caller's to vouch for. */
export function parseJson<T>(body: Uint8Array): T {
  try {
    return JSON.parse(textOf(body));
  } catch (cause) {
    throw new UnrecoverableError('invalid payload: it is no JSON', { cause });
  }
}
