import { InvalidArgumentError } from './errors.js';

/**
 * What a message says.
 * - `string`: sent as UTF-8.
 * - `Uint8Array` (a `Buffer` too): sent as it is, and not copied: do not change it before the publish has settled.
 * - any other value that JSON can hold: sent as JSON, with the header `content-type: application/json` unless you give another.
 */
export type Body = string | Uint8Array | JsonValue | object;

export type JsonValue = number | boolean | null | readonly unknown[] | { readonly [key: string]: unknown };

export interface EncodedBody {
  /** Text is kept as text: it is encoded straight into the batch, which saves one copy. */
  readonly content: string | Uint8Array;
  readonly length: number;
  readonly json: boolean;
}

/** Throws InvalidArgumentError for what JSON cannot hold. */
export function encodeBody(body: Body): EncodedBody {
  if (typeof body === 'string') return { content: body, length: Buffer.byteLength(body), json: false };
  if (body instanceof Uint8Array) return { content: body, length: body.length, json: false };
  const text = jsonText(body);
  return { content: text, length: Buffer.byteLength(text), json: true };
}

/** Throws InvalidArgumentError for what JSON cannot hold. */
export function jsonText(body: unknown): string {
  let text: string | undefined;
  let cause: unknown;
  try {
    text = JSON.stringify(body);
  } catch (error) {
    cause = error;
  }
  if (text !== undefined) return text;
  const limit = 'a string, bytes, or what JSON can hold';
  throw new InvalidArgumentError(`body is ${typeof body}: it takes ${limit}`, {
    code: 'INVALID_ARGUMENT',
    reason: 'BODY_INVALID',
    field: 'body',
    limit,
    cause,
  });
}
