import { varintLength, WireReader, writeVarint } from './wire.js';

/** Where a message or a call belongs in a trace, in the words of W3C Trace Context. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** The span that comes before, 16 hexadecimal digits. */
  readonly spanId: string;
  /** What other tracing systems added; empty when nothing. */
  readonly state: string;
}

const TAG_HEADER = 0x22;
const TAG_NAME = 0x0a;
const TAG_VALUE = 0x12;
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
const SAMPLED = 1;
const MAX_STATE = 512;

/** Undefined unless it is a valid `traceparent` whose trace is sampled. */
export function sampledContext(traceparent: string, state = ''): TraceContext | undefined {
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(traceparent) ?? [];
  if ((Number.parseInt(flags, 16) & SAMPLED) === 0 || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, state: state.length <= MAX_STATE ? state : '' };
}

/** The context in a message's headers `traceparent` and `tracestate`; undefined unless its trace is sampled. */
export function contextOf(wire: Uint8Array): TraceContext | undefined {
  const traceparent = headerOf(wire, 'traceparent');
  return traceparent === undefined ? undefined : sampledContext(traceparent, headerOf(wire, 'tracestate'));
}

/** The id of the trace that a message belongs to, sampled or not. */
export function traceIdOf(wire: Uint8Array): string | undefined {
  const traceId = TRACEPARENT.exec(headerOf(wire, 'traceparent') ?? '')?.[1];
  return traceId === undefined || /^0+$/.test(traceId) ? undefined : traceId;
}

export function formatTraceparent({ traceId, spanId }: TraceContext): string {
  return `00-${traceId}-${spanId}-01`;
}

/** The value of the first header of this name. Looks at the fields' places only: body and other headers are not decoded. */
export function headerOf(wire: Uint8Array, name: string): string | undefined {
  const bytes = Buffer.from(wire.buffer, wire.byteOffset, wire.length);
  const reader = new WireReader(bytes, 0, bytes.length);
  while (!reader.done) {
    const tag = reader.varint();
    if (tag !== TAG_HEADER) {
      reader.skip(tag);
      continue;
    }
    const start = reader.field();
    // A name of another length, as nearly all are, is passed by at its second byte.
    if (bytes[start] === TAG_NAME && bytes[start + 1] !== name.length) continue;
    const value = valueNamed(new WireReader(bytes, start, reader.position), name);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** A `waybill.v1.Message` that ends with these headers too. */
export function withHeaders(wire: Buffer, headers: Readonly<Record<string, string>>): Buffer {
  const added = Object.entries(headers).map(([name, value]) => {
    const entry = Buffer.concat([field(TAG_NAME, name), field(TAG_VALUE, value)]);
    return Buffer.concat([prefix(TAG_HEADER, entry.length), entry]);
  });
  return Buffer.concat([wire, ...added]);
}

function valueNamed(reader: WireReader, name: string): string | undefined {
  let found = false;
  let value = '';
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === TAG_NAME) found = reader.latin1() === name;
    else if (tag === TAG_VALUE) value = reader.latin1();
    else reader.skip(tag);
  }
  return found ? value : undefined;
}

function field(tag: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([prefix(tag, bytes.length), bytes]);
}

function prefix(tag: number, length: number): Buffer {
  const bytes = Buffer.alloc(1 + varintLength(length));
  bytes[0] = tag;
  writeVarint(bytes, 1, length);
  return bytes;
}
