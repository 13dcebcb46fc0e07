import type { ConsumeMessage } from 'amqplib';
import { MAX_ID_LENGTH, type Message } from '../../model/message.js';
import { isVisibleAscii } from '../../model/message-codec.js';
import { WireReader } from '../../model/wire.js';
import { isTopic, MessageWriter } from './message-writer.js';

export const ACCEPTED_AT = 'waybill-accepted-at';
export const KEY = 'waybill-key';
export const TTL = 'waybill-ttl';
export const VERIFY = 'waybill-verify';

/** Tags of `waybill.v1.Message` that a plain message says in AMQP's words. */
const TAG_BODY = 0x1a;
const TAG_HEADER = 0x22;
const TAG_KNOWN: ReadonlySet<number> = new Set([0x0a, 0x12, 0x2a, 0x30, 0x38, 0x40, 0x48]);
const TAG_ENTRY_NAME = 0x0a;
const TAG_ENTRY_VALUE = 0x12;

export interface Plain {
  readonly body: Buffer;
  readonly headers: Record<string, string | number | boolean>;
}

/**
 * Headers that mean something to RabbitMQ or to us. `CC` and `BCC` are the worst: RabbitMQ routes by them.
 */
export function isReserved(name: string): boolean {
  switch (name.charCodeAt(0)) {
    case 66: // B
    case 67: // C
      return name === 'CC' || name === 'BCC';
    case 95: // _
      return name === '__proto__';
    case 119: // w
      return name.startsWith('waybill-');
    case 120: // x
      return BROKER_HEADER.test(name);
    default:
      return false;
  }
}

const BROKER_HEADER = /^x-(death|(first|last)-death-.*|delivery-count|acquired-count|stream-.*|opt-.*)$/;

/**
 * Body and headers of a message as AMQP has them; undefined when that would lose something (a header with a reserved name, a
 * field that this version does not know).
 */
export function toPlain(message: Message): Plain | undefined {
  const { wire, key, acceptedAt, expiresAt } = message;
  const bytes = Buffer.isBuffer(wire) ? wire : Buffer.from(wire.buffer, wire.byteOffset, wire.length);
  const reader = new WireReader(bytes, 0, bytes.length);
  const headers: Plain['headers'] = { [ACCEPTED_AT]: acceptedAt };
  if (key !== '') headers[KEY] = key;
  if (expiresAt !== 0) headers[TTL] = expiresAt - acceptedAt;
  let body: Buffer = EMPTY;
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === TAG_BODY) {
      const start = reader.field();
      body = bytes.subarray(start, reader.position);
    } else if (tag === TAG_HEADER) {
      const start = reader.field();
      if (!readHeader(bytes, start, reader.position, headers)) return undefined;
    } else if (TAG_KNOWN.has(tag)) {
      reader.skip(tag);
    } else {
      return undefined;
    }
  }
  return { body, headers };
}

/** A message that `toPlain` wrote; undefined when it is not one, whatever its headers say. */
export function fromPlain(message: ConsumeMessage): Message | undefined {
  const { properties, content } = message;
  const headers: Readonly<Record<string, unknown>> = properties.headers ?? {};
  const id: unknown = properties.messageId;
  const topic: unknown = properties.type;
  const key = headers[KEY] ?? '';
  const acceptedAt = headers[ACCEPTED_AT];
  const ttl = headers[TTL] ?? 0;
  if (typeof id !== 'string' || !isVisibleAscii(id, MAX_ID_LENGTH)) return undefined;
  if (typeof topic !== 'string' || !isTopic(topic)) return undefined;
  if (typeof key !== 'string' || !isTime(acceptedAt) || !isTime(ttl)) return undefined;
  const writer = new MessageWriter(id, topic, content, key, acceptedAt, ttl);
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (typeof value === 'string' && !isReserved(name)) writer.header(name, value);
  }
  return writer.end();
}

const EMPTY = Buffer.alloc(0);

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function readHeader(bytes: Buffer, start: number, end: number, headers: Plain['headers']): boolean {
  const reader = new WireReader(bytes, start, end);
  let name = '';
  let value = '';
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === TAG_ENTRY_NAME) {
      name = reader.latin1();
    } else if (tag === TAG_ENTRY_VALUE) {
      const from = reader.field();
      value = bytes.toString('utf8', from, reader.position);
    } else {
      return false;
    }
  }
  if (name === '' || isReserved(name)) return false;
  headers[name] = value;
  return true;
}
