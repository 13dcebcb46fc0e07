import { InvalidArgumentError } from '../errors.js';
import type { Outgoing } from '../publisher/outgoing.js';

const MAX_HEADERS_BYTES = 16 << 10;

/** The bus's own rules for names and sizes: what breaks one is the caller's error, not a row that a relay finds later. */
export function checkRow(message: Outgoing, dueMs: number, now: number, maxDelayMs: number): void {
  const { id, topic, key, headers, ttlMs } = message;
  const topicLimit = '1 to 128 characters of A-Z a-z 0-9 . _ : @ -';
  if (!/^[A-Za-z0-9._:@-]{1,128}$/.test(topic)) throw fault('NAME_INVALID', 'topic', topicLimit, topic);
  if (id !== '' && !/^[\x21-\x7e]{1,128}$/.test(id))
    throw fault('ID_INVALID', 'id', '1 to 128 characters of visible ASCII', id);
  if ([...key].length > 128) throw fault('KEY_INVALID', 'key', 'up to 128 characters', key);
  if (headers !== undefined) checkHeaders(headers);
  if (dueMs > now + maxDelayMs) throw fault('DELAY_INVALID', 'at', 'a time at most 10 years ahead', new Date(dueMs));
  if (ttlMs > 0 && now + ttlMs <= dueMs) throw fault('TTL_INVALID', 'ttl', 'longer than the delay', ttlMs);
}

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  const entries = Object.entries(headers);
  if (entries.length > 64) throw fault('HEADER_INVALID', 'headers', 'up to 64 headers', entries.length);
  let bytes = 0;
  for (const [name, value] of entries) {
    const limit = 'names of 1 to 128 characters of visible ASCII';
    if (!/^[\x21-\x7e]{1,128}$/.test(name)) throw fault('HEADER_INVALID', 'headers', limit, name);
    bytes += name.length + Buffer.byteLength(value);
  }
  const limit = `up to ${MAX_HEADERS_BYTES} bytes together`;
  if (bytes > MAX_HEADERS_BYTES) throw fault('HEADER_INVALID', 'headers', limit, bytes);
}

function fault(reason: string, field: string, limit: string, value: unknown): InvalidArgumentError {
  return new InvalidArgumentError(`${field} is ${JSON.stringify(value)}: it takes ${limit}`, {
    code: 'INVALID_ARGUMENT',
    reason,
    field,
    limit,
  });
}
