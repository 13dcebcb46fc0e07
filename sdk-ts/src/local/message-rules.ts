import { milliseconds } from '../duration.js';
import { InvalidArgumentError } from '../errors.js';
import { dueTime, MAX_DELAY_MS, type MessageOptions } from '../publisher/outgoing.js';

const MAX_ID_LENGTH = 128;
const MAX_KEY_LENGTH = 128;
const MAX_HEADERS = 64;
const MAX_HEADER_NAME_LENGTH = 128;
const MAX_HEADERS_BYTES = 16_384;
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** When a message with these options may be handed out, and until when: Unix milliseconds, 0 for now and for ever. */
export interface MessageTimes {
  readonly dueAt: number;
  readonly expiresAt: number;
}

const AT_ONCE: MessageTimes = { dueAt: 0, expiresAt: 0 };

/** Holds the rules that a gateway holds, so that what runs here runs there. Throws InvalidArgumentError. */
export function checkMessage(options: MessageOptions, now: number): MessageTimes {
  const { id, key, headers, delay, at, ttl } = options;
  if (id !== undefined && !isVisible(id, MAX_ID_LENGTH)) {
    throw fault('ID_INVALID', 'id', `1 to ${MAX_ID_LENGTH} characters of visible ASCII`, JSON.stringify(id));
  }
  if (key !== undefined && (typeof key !== 'string' || [...key].length > MAX_KEY_LENGTH)) {
    throw fault('KEY_INVALID', 'key', `up to ${MAX_KEY_LENGTH} characters`, JSON.stringify(key));
  }
  if (headers !== undefined) checkHeaders(headers);
  if (delay === undefined && at === undefined && ttl === undefined) return AT_ONCE;
  if (delay !== undefined && at !== undefined) {
    throw fault('DELAY_INVALID', 'delay', 'at most one of delay and at', 'given beside at');
  }
  const dueAt = dueAtOf(delay, at, now);
  if (ttl === undefined) return { dueAt, expiresAt: 0 };
  const ttlMs = milliseconds(ttl, 'ttl', 0, MAX_DELAY_MS);
  if (ttlMs > 0 && dueAt > 0 && now + ttlMs <= dueAt) {
    throw fault('TTL_INVALID', 'ttl', 'longer than the delay', `${ttlMs} ms, and the delay ${dueAt - now} ms`);
  }
  return { dueAt, expiresAt: ttlMs === 0 ? 0 : now + ttlMs };
}

/** 0 for what is due already. */
export function dueAtOf(delay: MessageOptions['delay'], at: Date | undefined, now: number): number {
  if (at !== undefined) {
    const due = dueTime(at, 'at');
    if (due > now + MAX_DELAY_MS) throw fault('DELAY_INVALID', 'at', 'a time at most 10 years ahead', at.toISOString());
    return due > now ? due : 0;
  }
  const delayMs = delay === undefined ? 0 : milliseconds(delay, 'delay', 0, MAX_DELAY_MS);
  return delayMs === 0 ? 0 : now + delayMs;
}

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  const names = Object.keys(headers);
  if (names.length > MAX_HEADERS) {
    throw fault('HEADER_INVALID', 'headers', `up to ${MAX_HEADERS} headers`, `${names.length} headers`);
  }
  let bytes = 0;
  for (const name of names) {
    const value = headers[name];
    if (!isVisible(name, MAX_HEADER_NAME_LENGTH)) {
      const limit = `names of 1 to ${MAX_HEADER_NAME_LENGTH} characters of visible ASCII`;
      throw fault('HEADER_INVALID', 'headers', limit, `a name ${JSON.stringify(name)}`);
    }
    if (typeof value !== 'string') throw fault('HEADER_INVALID', `headers["${name}"]`, 'a string', typeof value);
    bytes += name.length + Buffer.byteLength(value);
  }
  if (bytes > MAX_HEADERS_BYTES) {
    throw fault('HEADER_INVALID', 'headers', `up to ${MAX_HEADERS_BYTES} bytes together`, `${bytes} bytes`);
  }
}

function isVisible(text: unknown, max: number): boolean {
  return typeof text === 'string' && text.length <= max && VISIBLE_ASCII.test(text);
}

function fault(reason: string, field: string, limit: string, what: string): InvalidArgumentError {
  return new InvalidArgumentError(`${field} is ${what}: it takes ${limit}`, {
    code: 'INVALID_ARGUMENT',
    reason,
    field,
    limit,
  });
}
