import { InvalidArgumentError } from '../errors.js';
import type { Codec } from './codec.js';

/** UTF-8 text. */
export function text(): Codec<string> {
  return {
    contentType: 'text/plain; charset=utf-8',
    encode(value) {
      if (typeof value !== 'string') throw wrongType(value, 'a string');
      return value;
    },
    decode: textOf,
  };
}

export function textOf(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
}

// The types say so already; a caller without types must not publish something else.
export function wrongType(value: unknown, limit: string): InvalidArgumentError {
  return new InvalidArgumentError(`value is ${typeof value}: it takes ${limit}`, {
    code: 'INVALID_ARGUMENT',
    reason: 'BODY_INVALID',
    field: 'value',
    limit,
  });
}
