import type { Codec } from './codec.js';
import { wrongType } from './text.js';

/** Bytes, sent as they are: leave them unchanged until the publish has settled. `contentType`: default `application/octet-stream`. */
export function bytes(contentType = 'application/octet-stream'): Codec<Uint8Array> {
  return {
    contentType,
    encode(value) {
      if (!(value instanceof Uint8Array)) throw wrongType(value, 'bytes');
      return value;
    },
    decode: (body) => body,
  };
}
