/** HTTP/2 by hand: what a client library would not let a test say. */

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;

export const FLAG = { none: 0, endStream: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

/** `length` is what the frame says of itself; the payload's own unless given. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
  length = payload.length,
) {
  const header = Buffer.alloc(9);
  header.writeUIntBE(length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

export function settings(pairs: readonly (readonly [id: number, value: number])[] = []): Buffer {
  const payload = Buffer.alloc(pairs.length * 6);
  pairs.forEach(([id, value], i) => {
    payload.writeUInt16BE(id, i * 6);
    payload.writeUInt32BE(value, i * 6 + 2);
  });
  return frame(TYPE.settings, FLAG.none, 0, payload);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** Headers as HPACK literals that enter no table, so that they need no state. */
export function hpack(headers: readonly (readonly [name: string, value: string])[]): Buffer {
  const parts = headers.flatMap(([name, value]) => [Buffer.of(0), literal(name), literal(value)]);
  return Buffer.concat(parts);
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const prefix = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) prefix.push((rest % 128) | 0x80);
  return Buffer.concat([Buffer.from([...prefix, rest]), bytes]);
}

/** The headers of a call as a gRPC client sends them; `changes` replace or, with undefined, leave out. */
export function callHeaders(path: string, changes: Readonly<Record<string, string | undefined>> = {}) {
  const headers: Record<string, string | undefined> = {
    ':method': 'POST',
    ':scheme': 'http',
    ':path': path,
    ':authority': 'localhost',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...changes,
  };
  return Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}

/** A message with the prefix that gRPC gives it; `length` is what the prefix says. */
export function grpcMessage(bytes: Uint8Array, flag = 0, length = bytes.length): Buffer {
  return Buffer.concat([Buffer.of(flag), uint32(length), bytes]);
}
