import { type Body, jsonText } from '../body.js';
import { parseJson } from '../codec/json.js';
import type { Message } from '../message.js';

const CONTENT_TYPE = 'content-type';
const BYTES_TYPE = 'application/octet-stream';

/**
 * What `@Payload()` gives, by the header `content-type`: JSON parsed, `application/octet-stream` as bytes, anything else as text; nothing for an empty body.
 * Throws UnrecoverableError for what should be JSON and is none.
 */
export function payloadOf(message: Message): unknown {
  if (message.body.length === 0) return undefined;
  const type = contentType(message.headers);
  if (/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) return parseJson(message.body);
  return type === BYTES_TYPE ? message.body : message.text();
}

/** What is published for a value: `undefined` is an empty body. */
export function bodyOf(value: unknown): Body {
  if (value === undefined) return '';
  return isBody(value) ? value : jsonText(value);
}

/** The headers with which the other side gets back what was given: bytes would come as text without. */
export function headersOf(value: unknown, headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return value instanceof Uint8Array ? { [CONTENT_TYPE]: BYTES_TYPE, ...headers } : { ...headers };
}

function contentType(headers: Readonly<Record<string, string>>): string {
  for (const name in headers) if (name.toLowerCase() === CONTENT_TYPE) return headers[name] ?? '';
  return '';
}

function isBody(value: unknown): value is Body {
  return ['string', 'number', 'boolean', 'object'].includes(typeof value);
}
