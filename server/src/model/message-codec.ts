import { isUtf8 } from 'node:buffer';
import { BusError } from './errors.js';
import { MAX_HEADER_NAME_LENGTH, type Message } from './message.js';
import { malformed, varintLength, WireReader, writeVarint } from './wire.js';

/** Tags of `waybill.v1.Message`, as they stand on the wire. */
const TAG = {
  id: 0x0a,
  topic: 0x12,
  body: 0x1a,
  header: 0x22,
  key: 0x2a,
  delay: 0x30,
  due: 0x38,
  ttl: 0x40,
  publishTime: 0x48,
} as const;

const LAST_FIELD = 9;

/** A message as a publisher sent it: read, not yet checked. */
export interface Incoming {
  readonly id: string;
  readonly topic: string;
  readonly key: string;
  readonly bodyLength: number;
  readonly headers: number;
  readonly headerBytes: number;
  /** The first header that breaks a rule, and which. */
  readonly headerProblem: string | undefined;
  readonly delayMs: number;
  readonly dueTimeMs: number;
  readonly ttlMs: number;
  readonly raw: Buffer;
}

/** Reads a `waybill.v1.Message` that stands in `bytes` from `start` to `end`, without copying it. */
export function readIncoming(bytes: Buffer, start: number, end: number): Incoming {
  const reader = new WireReader(bytes, start, end);
  let id = '';
  let topic = '';
  let key = '';
  let bodyLength = 0;
  let headers = 0;
  let headerBytes = 0;
  let headerProblem: string | undefined;
  let delayMs = 0;
  let dueTimeMs = 0;
  let ttlMs = 0;
  let seen = 0;
  while (!reader.done) {
    const tag = reader.varint();
    const field = tag >>> 3;
    if (tag !== TAG.header && field < 32) {
      if ((seen & (1 << field)) !== 0) throw malformed(`field ${field} of a message stands twice`);
      seen |= 1 << field;
    }
    switch (tag) {
      case TAG.id:
        id = reader.latin1();
        break;
      case TAG.topic:
        topic = reader.latin1();
        break;
      case TAG.body:
        bodyLength = bodySize(reader);
        break;
      case TAG.header: {
        const from = reader.field();
        headers++;
        headerBytes += reader.position - from;
        headerProblem ??= headerFault(bytes, from, reader.position);
        break;
      }
      case TAG.key:
        key = utf8(reader);
        break;
      case TAG.delay:
        delayMs = reader.varint();
        break;
      case TAG.due:
        dueTimeMs = reader.varint();
        break;
      case TAG.ttl:
        ttlMs = reader.varint();
        break;
      case TAG.publishTime:
        reader.varint();
        break;
      default:
        skipUnknown(reader, tag);
    }
  }
  const raw = bytes.subarray(start, end);
  return { id, topic, key, bodyLength, headers, headerBytes, headerProblem, delayMs, dueTimeMs, ttlMs, raw };
}

/**
 * Makes an incoming message the bus's own: with its id, its time of acceptance, and without the delay, which is the gateway's
 * to keep. A protobuf reader takes the last value of a field, so the raw bytes stay as they are and the new values follow.
 */
export function seal(incoming: Incoming, id: string, acceptedAt: number): Message {
  const { raw } = incoming;
  const withId = incoming.id === id ? 0 : 2 + id.length;
  const withDelay = incoming.delayMs === 0 ? 0 : 2;
  const withDue = incoming.dueTimeMs === 0 ? 0 : 2;
  const wire = Buffer.allocUnsafe(raw.length + withId + withDelay + withDue + 1 + varintLength(acceptedAt));
  let at = raw.copy(wire);
  if (withId > 0) {
    wire[at++] = TAG.id;
    at = writeVarint(wire, at, id.length);
    at += wire.write(id, at, 'latin1');
  }
  if (withDelay > 0) at = writeZero(wire, at, TAG.delay);
  if (withDue > 0) at = writeZero(wire, at, TAG.due);
  wire[at++] = TAG.publishTime;
  writeVarint(wire, at, acceptedAt);
  const expiresAt = incoming.ttlMs === 0 ? 0 : acceptedAt + incoming.ttlMs;
  return { id, topic: incoming.topic, key: incoming.key, acceptedAt, expiresAt, wire };
}

/** Reads a sealed message. */
export function openMessage(wire: Buffer): Message {
  const reader = new WireReader(wire, 0, wire.length);
  let id = '';
  let topic = '';
  let key = '';
  let ttl = 0;
  let acceptedAt = 0;
  while (!reader.done) {
    const tag = reader.varint();
    switch (tag) {
      case TAG.id:
        id = reader.latin1();
        break;
      case TAG.topic:
        topic = reader.latin1();
        break;
      case TAG.key:
        key = utf8(reader);
        break;
      case TAG.ttl:
        ttl = reader.varint();
        break;
      case TAG.publishTime:
        acceptedAt = reader.varint();
        break;
      default:
        reader.skip(tag);
    }
  }
  if (id === '' || topic === '') throw malformed('a message has no id or no topic');
  return { id, topic, key, acceptedAt, expiresAt: ttl === 0 ? 0 : acceptedAt + ttl, wire };
}

/** Those headers of a sealed message that have one of these names; of a name that stands twice, the last. */
export function readHeaders(wire: Uint8Array, names: ReadonlySet<string>): Map<string, string> {
  const bytes = Buffer.from(wire.buffer, wire.byteOffset, wire.byteLength);
  const reader = new WireReader(bytes, 0, bytes.length);
  const found = new Map<string, string>();
  while (!reader.done) {
    const tag = reader.varint();
    if (tag !== TAG.header) {
      reader.skip(tag);
      continue;
    }
    const from = reader.field();
    const [name, value] = readHeader(bytes, from, reader.position);
    if (names.has(name)) found.set(name, value);
  }
  return found;
}

function readHeader(bytes: Buffer, start: number, end: number): [name: string, value: string] {
  const reader = new WireReader(bytes, start, end);
  let name = '';
  let value = '';
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x0a) name = reader.latin1();
    else if (tag === 0x12) value = utf8(reader);
    else reader.skip(tag);
  }
  return [name, value];
}

/** A sealed message that never expires; as with all fields, the last value counts. */
export function withoutTtl(wire: Uint8Array): Buffer {
  return Buffer.concat([wire, Buffer.from([TAG.ttl, 0])]);
}

/** An encoded message with more headers; of a name that it has already, the new value counts. */
export function withHeaders(wire: Uint8Array, headers: readonly (readonly [name: string, value: string])[]): Buffer {
  const fields = headers.map(([name, value]) => {
    const pair = Buffer.concat([textField(0x0a, name), textField(0x12, value)]);
    return Buffer.concat([lengthField(TAG.header, pair.length), pair]);
  });
  return Buffer.concat([wire, ...fields]);
}

function textField(tag: number, text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([lengthField(tag, bytes.length), bytes]);
}

function lengthField(tag: number, length: number): Buffer {
  const field = Buffer.alloc(1 + varintLength(length));
  field[0] = tag;
  writeVarint(field, 1, length);
  return field;
}

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** Whether a text can be an id or the name of a header: visible ASCII, 1 to `max` characters. */
export function isVisibleAscii(text: string, max: number): boolean {
  return text.length <= max && VISIBLE_ASCII.test(text);
}

/** A field that a later version added is kept as it is; one of ours with another type, no client could read. */
function skipUnknown(reader: WireReader, tag: number): void {
  const field = tag >>> 3;
  if (field < 1 || field <= LAST_FIELD) throw malformed(`field ${field} of a message has wire type ${tag & 7}`);
  reader.skip(tag);
}

function headerFault(bytes: Buffer, start: number, end: number): string | undefined {
  const reader = new WireReader(bytes, start, end);
  let name: string | undefined;
  let value: Buffer | undefined;
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x0a && name === undefined) {
      name = reader.latin1();
    } else if (tag === 0x12 && value === undefined) {
      const from = reader.field();
      value = bytes.subarray(from, reader.position);
    } else {
      throw malformed('a header is more than a name and a value');
    }
  }
  if (name === undefined || name.length === 0) return 'a name is empty';
  if (name.length > MAX_HEADER_NAME_LENGTH) return `a name has ${name.length} characters`;
  if (!VISIBLE_ASCII.test(name)) return `the name "${printable(name)}" is not visible ASCII`;
  return value === undefined || isUtf8(value) ? undefined : `the value of "${name}" is not UTF-8`;
}

function printable(text: string): string {
  return text.slice(0, 40).replace(/[^\x21-\x7e]/g, '?');
}

function utf8(reader: WireReader): string {
  const start = reader.field();
  const bytes = reader.bytes.subarray(start, reader.position);
  if (!isUtf8(bytes)) throw new BusError('MALFORMED', 'the request is not valid protobuf: a text is not UTF-8');
  return bytes.toString('utf8');
}

function writeZero(target: Buffer, at: number, tag: number): number {
  target[at] = tag;
  target[at + 1] = 0;
  return at + 2;
}

function bodySize(reader: WireReader): number {
  const start = reader.field();
  return reader.position - start;
}
