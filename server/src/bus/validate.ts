import { BusError } from '../model/errors.js';
import {
  MAX_DELAY_MS,
  MAX_HEADER_NAME_LENGTH,
  MAX_HEADERS,
  MAX_HEADERS_BYTES,
  MAX_ID_LENGTH,
  MAX_KEY_LENGTH,
} from '../model/message.js';
import { type Incoming, isVisibleAscii } from '../model/message-codec.js';
import { KnownTopics } from './known-topics.js';

/** Checks what publishers send, by the limits that the proto file states. */
export class MessageRules {
  readonly #topics: KnownTopics;

  constructor(
    private readonly maxBodyBytes: number,
    maxTopics = Number.POSITIVE_INFINITY,
  ) {
    this.#topics = new KnownTopics(maxTopics);
  }

  /** Throws the first rule that the message breaks, naming `field` and the limit. Answers when it is due: 0 for now. */
  check(message: Incoming, field: string, now: number): number {
    this.#topics.check(message.topic, `${field}.topic`, now);
    if (message.id !== '' && !isVisibleAscii(message.id, MAX_ID_LENGTH)) {
      throw fault(
        'ID_INVALID',
        `${field}.id`,
        `1 to ${MAX_ID_LENGTH} characters of visible ASCII`,
        lengthOf(message.id),
      );
    }
    if (message.key !== '' && [...message.key].length > MAX_KEY_LENGTH) {
      throw fault('KEY_INVALID', `${field}.key`, `up to ${MAX_KEY_LENGTH} characters`, lengthOf(message.key));
    }
    if (message.bodyLength > this.maxBodyBytes) {
      const limit = `up to ${this.maxBodyBytes} bytes (config MaxMessageBytes)`;
      throw fault('BODY_TOO_LARGE', `${field}.body`, limit, `it has ${message.bodyLength} bytes`);
    }
    if (message.headers > 0) checkHeaders(message, `${field}.headers`);
    return checkTimes(message, field, now);
  }
}

function checkHeaders(message: Incoming, field: string): void {
  if (message.headers > MAX_HEADERS) {
    throw fault('HEADER_INVALID', field, `up to ${MAX_HEADERS} headers`, `there are ${message.headers}`);
  }
  if (message.headerProblem !== undefined) {
    const limit = `names of 1 to ${MAX_HEADER_NAME_LENGTH} characters of visible ASCII, values of UTF-8`;
    throw fault('HEADER_INVALID', field, limit, message.headerProblem);
  }
  if (message.headerBytes > MAX_HEADERS_BYTES) {
    throw fault(
      'HEADER_INVALID',
      field,
      `up to ${MAX_HEADERS_BYTES} bytes together`,
      `they have ${message.headerBytes}`,
    );
  }
}

function checkTimes(message: Incoming, field: string, now: number): number {
  const { delayMs, dueTimeMs, ttlMs } = message;
  if (delayMs === 0 && dueTimeMs === 0 && ttlMs === 0) return 0;
  const dueAt = checkDue(delayMs, dueTimeMs, `${field}.`, now);
  if (ttlMs < 0 || ttlMs > MAX_DELAY_MS) {
    throw fault('TTL_INVALID', `${field}.ttl_ms`, `0 to ${MAX_DELAY_MS} ms (10 years)`, `it is ${ttlMs}`);
  }
  if (ttlMs > 0 && dueAt > 0 && now + ttlMs <= dueAt) {
    throw fault('TTL_INVALID', `${field}.ttl_ms`, 'longer than the delay', `it is ${ttlMs}, the delay ${dueAt - now}`);
  }
  return dueAt;
}

/** When something with this delay or due time is due, in Unix milliseconds; 0 for now. */
export function checkDue(delayMs: number, dueTimeMs: number, prefix: string, now: number): number {
  if (delayMs < 0 || delayMs > MAX_DELAY_MS) {
    throw fault('DELAY_INVALID', `${prefix}delay_ms`, `0 to ${MAX_DELAY_MS} ms (10 years)`, `it is ${delayMs}`);
  }
  if (dueTimeMs < 0 || dueTimeMs > now + MAX_DELAY_MS) {
    throw fault(
      'DELAY_INVALID',
      `${prefix}due_time_ms`,
      'a Unix time in ms, at most 10 years ahead',
      `it is ${dueTimeMs}`,
    );
  }
  if (delayMs > 0 && dueTimeMs > 0) {
    throw fault('DELAY_INVALID', `${prefix}due_time_ms`, 'at most one of delay_ms and due_time_ms', 'both are set');
  }
  if (delayMs > 0) return now + delayMs;
  return dueTimeMs > now ? dueTimeMs : 0;
}

function lengthOf(text: string): string {
  return `it has ${text.length} characters${/^[\x21-\x7e]*$/.test(text) ? '' : ', not all of them visible ASCII'}`;
}

function fault(
  reason: ConstructorParameters<typeof BusError>[0],
  field: string,
  limit: string,
  what: string,
): BusError {
  return new BusError(reason, `${field} takes ${limit}: ${what}`, { field, limit });
}
