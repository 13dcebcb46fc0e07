import { escape as escaped } from 'mysql2';
import { BusError } from '../../../model/errors.js';
import { MAX_ID_LENGTH } from '../../../model/message.js';
import { isVisibleAscii } from '../../../model/message-codec.js';

/** Printable ASCII that needs no escaping: nearly every text. Looking is cheaper than `escape`, which looks at each character twice. */
const PLAIN = /^[\x20-\x26\x28-\x5b\x5d-\x7e]*$/;

/** An id, a name or a topic. One bad id in a group would make the server refuse them all, so it is caught here. */
export function asciiLiteral(text: string): string {
  if (!isVisibleAscii(text, MAX_ID_LENGTH)) {
    throw new BusError('ID_INVALID', 'an id has other characters than visible ASCII, or too many', {
      limit: `1 to ${MAX_ID_LENGTH} visible ASCII characters`,
    });
  }
  return PLAIN.test(text) ? `'${text}'` : escaped(text);
}

/** Free text, cut off at what its column takes. */
export function textLiteral(text: string, max: number): string {
  if (text === '') return `''`;
  const fitting = text.length <= max ? text : text.slice(0, max);
  return PLAIN.test(fitting) ? `'${fitting}'` : escaped(fitting);
}

export function bytesLiteral(bytes: Uint8Array): string {
  return `x'${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}'`;
}
