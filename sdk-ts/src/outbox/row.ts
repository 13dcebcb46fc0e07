import type { Body } from '../body.js';
import { MAX_DELAY_MS, type MessageOptions, type Outgoing, outgoing } from '../publisher/outgoing.js';
import { crc32 } from './crc32.js';
import { checkRow } from './row-rules.js';
import { SLOTS } from './tables.js';

/** A message as the outbox table holds it; docs/outbox.md says what each column means. */
export interface Row {
  readonly slot: number;
  readonly id: string;
  readonly topic: string;
  readonly key: string;
  /** JSON, or null for none. */
  readonly headers: string | null;
  readonly body: Uint8Array;
  readonly dueMs: number;
  readonly ttlMs: number;
}

/** Throws InvalidArgumentError for what the bus would refuse, so that no row of poison is written; the body's size is the bus's to judge. */
export function rowOf(
  topic: string,
  body: Body,
  options: MessageOptions | undefined,
  makeId: () => string,
  now: number,
): Row {
  const message = outgoing(topic, body, options, now);
  const dueMs = dueOf(message, now);
  checkRow(message, dueMs, now, MAX_DELAY_MS);
  const id = message.id === '' ? makeId() : message.id;
  return {
    slot: slotOf(message.key, id),
    id,
    topic,
    key: message.key,
    headers: headersOf(message.headers),
    body: bytesOf(message.content),
    dueMs,
    ttlMs: message.ttlMs,
  };
}

/** The slot of a row: all rows of a key have the same. */
export function slotOf(key: string, id: string): number {
  return crc32(key === '' ? id : key) % SLOTS;
}

function dueOf({ delayMs, dueTimeMs }: Outgoing, now: number): number {
  if (delayMs > 0) return now + delayMs;
  return dueTimeMs;
}

function headersOf(headers: Readonly<Record<string, string>> | undefined): string | null {
  return headers === undefined || Object.keys(headers).length === 0 ? null : JSON.stringify(headers);
}

// A buffer: mysql2 and better-sqlite3 take no other view of bytes.
function bytesOf(content: string | Uint8Array): Buffer {
  if (typeof content === 'string') return Buffer.from(content, 'utf8');
  return Buffer.isBuffer(content) ? content : Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}
