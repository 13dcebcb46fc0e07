import { gzipSync } from 'node:zlib';
import { callHeaders, FLAG, frame, grpcMessage, hpack, PREFACE, settings, TYPE, uint32 } from './frames.js';
import type { Random } from './random.js';

/** What is written to a fresh connection of the gRPC port, chunk by chunk. */
export type Attack = (random: Random, request: Uint8Array) => Buffer[];

const PUBLISH = '/waybill.v1.Bus/Publish';
const SUBSCRIBE = '/waybill.v1.Bus/Subscribe';

const hello = [PREFACE, settings()];
const call = (stream: number, headers = callHeaders(PUBLISH), flags: number = FLAG.endHeaders) => {
  return frame(TYPE.headers, flags, stream, hpack(headers));
};
const data = (stream: number, payload: Buffer, flags: number = FLAG.endStream) =>
  frame(TYPE.data, flags, stream, payload);
const times = (count: number, make: (i: number) => Buffer) => Array.from({ length: count }, (_, i) => make(i));

export const RPC_ATTACKS: Readonly<Record<string, Attack>> = {
  'random bytes': (random) => [random.bytes(1 + random.int(4_000))],
  'an HTTP/1 request': () => [Buffer.from('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')],
  'the start of TLS': (random) => [Buffer.concat([Buffer.of(22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3), random.bytes(510)])],
  'half a preface': (random) => [PREFACE.subarray(0, random.int(PREFACE.length))],
  'a wrong preface': (random) => [PREFACE.subarray(0, 16), random.bytes(8), settings()],
  'garbage after the preface': (random) => [PREFACE, random.bytes(1 + random.int(2_000))],
  'random frames': (random) => [...hello, ...times(30, () => randomFrame(random))],
  'random frames within a call': (random) => [...hello, call(1), ...times(10, () => randomFrame(random, 1))],
  'a frame that says it is the largest': (random) => [
    ...hello,
    frame(random.int(10), random.int(256), 0, random.bytes(100), 2 ** 24 - 1),
  ],
  'huge settings': (random) => [
    PREFACE,
    settings(Array.from({ length: 2_000 }, (_, i) => [i, random.int(2 ** 31) * 2] as const)),
  ],
  'settings at their limits': (random) => [
    PREFACE,
    settings([
      [1, 0xffffffff],
      [3, 0],
      [4, random.pick([0, 0x7fffffff, 0x80000000])],
      [5, random.pick([0, 16_384, 0xffffff])],
      [6, 0],
    ]),
    call(1),
    data(1, grpcMessage(Buffer.alloc(0))),
  ],
  'a flood of settings': () => [...hello, Buffer.concat(times(5_000, () => settings()))],
  'a flood of pings': () => [...hello, Buffer.concat(times(5_000, () => frame(TYPE.ping, 0, 0, Buffer.alloc(8))))],
  'broken HPACK': (random) => [
    ...hello,
    frame(
      TYPE.headers,
      FLAG.endHeaders,
      1,
      random.pick([
        random.bytes(1 + random.int(200)),
        Buffer.of(0x80),
        Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
        Buffer.of(0x3f, 0xff, 0xff, 0xff, 0x7f),
        Buffer.of(0x00, 0x7f, 0xff),
      ]),
    ),
  ],
  'a table of headers that blows up': () => {
    // One entry of 4,000 bytes, and then thousands of references to it, of one byte each.
    const entry = Buffer.concat([Buffer.of(0x40, 1, 0x61, 0x7f, 0xa1, 0x1e), Buffer.alloc(4_000, 0x62)]);
    const block = Buffer.concat([hpack(callHeaders(PUBLISH)), entry, Buffer.alloc(8_000, 0xbe)]);
    return [...hello, frame(TYPE.headers, FLAG.endHeaders, 1, block)];
  },
  'headers without an end': (random) => [
    ...hello,
    call(1, callHeaders(PUBLISH), FLAG.none),
    ...times(200, (i) => frame(TYPE.continuation, 0, 1, hpack([[`h${i}`, 'v'.repeat(random.int(8_000))]]))),
  ],
  'rapid resets': () => [
    ...hello,
    Buffer.concat(times(500, (i) => Buffer.concat([call(2 * i + 1), frame(TYPE.reset, 0, 2 * i + 1, uint32(8))]))),
  ],
  'half a request': (random, request) => {
    const whole = Buffer.concat([...hello, call(1), data(1, grpcMessage(request))]);
    return [whole.subarray(0, PREFACE.length + random.int(whole.length - PREFACE.length))];
  },
  'a prefix that is cut off': (random) => [...hello, call(1), data(1, Buffer.alloc(1 + random.int(4)))],
  'a prefix that promises more': (random, request) => [
    ...hello,
    call(1),
    data(1, grpcMessage(request, 0, random.pick([request.length + 1, 2 ** 31, 2 ** 32 - 1]))),
  ],
  'a prefix that promises more, left open': (random, request) => [
    ...hello,
    call(1),
    data(1, grpcMessage(request, 0, random.pick([request.length + 1, 2 ** 31, 2 ** 32 - 1])), FLAG.none),
  ],
  'a flag that is none': (random, request) => [...hello, call(1), data(1, grpcMessage(request, 2 + random.int(254)))],
  'compressed, and does not say how': (_, request) => [...hello, call(1), data(1, grpcMessage(request, 1))],
  'compressed in a strange way': (random, request) => {
    const encoding = random.pick(['gzip', 'deflate', 'br', 'identity', 'gzip, gzip', '', '\u00ff']);
    const headers = callHeaders(PUBLISH, { 'grpc-encoding': encoding });
    return [
      ...hello,
      call(1, headers),
      data(1, grpcMessage(random.pick([request, gzipSync(request), random.bytes(50)]), 1)),
    ];
  },
  'a bomb of zeros': () => {
    const headers = callHeaders(PUBLISH, { 'grpc-encoding': 'gzip' });
    const bomb = grpcMessage(ZEROS, 1);
    const parts = times(Math.ceil(bomb.length / 16_384), (i) => {
      return data(1, bomb.subarray(i * 16_384, (i + 1) * 16_384), FLAG.none);
    });
    return [...hello, call(1, headers), ...parts, data(1, Buffer.alloc(0))];
  },
  'strange headers': (random) => {
    const [name, value] = random.pick<readonly [string, string | undefined]>([
      [':method', 'GET'],
      [':method', undefined],
      [':path', undefined],
      [':path', random.text(40)],
      [':path', `/${'x'.repeat(10_000)}`],
      [':path', '/waybill.v1.Bus/Publish/../Ack'],
      [':scheme', undefined],
      [':unknown', 'x'],
      ['content-type', undefined],
      ['content-type', 'text/html'],
      ['content-type', 'application/grpc-web'],
      ['te', undefined],
      ['connection', 'close'],
      ['Upper', 'case'],
      ['content-length', '5'],
      ['grpc-timeout', '0n'],
      ['grpc-timeout', '99999999H'],
      ['grpc-timeout', '-1S'],
      ['grpc-timeout', random.text(9)],
      ['grpc-trace-bin', '!!not base64!!'],
      [`x-${random.int(9)}-bin`, random.text(30)],
      ['x', random.text(50)],
      ['', ''],
    ]);
    return [...hello, call(1, callHeaders(PUBLISH, { [name]: value })), data(1, grpcMessage(Buffer.alloc(0)))];
  },
  'frames where none may be': (random, request) => [
    ...hello,
    random.pick([
      data(0, random.bytes(9)),
      data(1, grpcMessage(request)),
      data(2, grpcMessage(request)),
      call(0),
      call(2),
      frame(TYPE.push, FLAG.endHeaders, 1, random.bytes(40)),
      frame(TYPE.continuation, FLAG.endHeaders, 1, random.bytes(40)),
      frame(TYPE.priority, 0, 1, uint32(1)),
      frame(TYPE.reset, 0, 7, uint32(0)),
      frame(TYPE.window, 0, 0, uint32(0)),
      Buffer.concat(times(3, () => frame(TYPE.window, 0, 0, uint32(0x7fffffff)))),
      frame(TYPE.goaway, 0, 0, random.bytes(8)),
      frame(TYPE.headers, FLAG.endHeaders | FLAG.padded, 1, Buffer.of(255, 1, 2)),
    ]),
    call(11),
    data(11, grpcMessage(request)),
  ],
  'a call that ends before it begins': () => [
    ...hello,
    call(1, callHeaders(PUBLISH), FLAG.endHeaders | FLAG.endStream),
  ],
  'a stream that is reset in the middle': (random, request) => [
    ...hello,
    call(1, callHeaders(SUBSCRIBE)),
    data(1, grpcMessage(request).subarray(0, random.int(request.length + 5)), FLAG.none),
    frame(TYPE.reset, 0, 1, uint32(random.int(14))),
  ],
  'many streams that never ask': () => [
    ...hello,
    Buffer.concat(times(200, (i) => call(2 * i + 1, callHeaders(SUBSCRIBE)))),
  ],
};

const ZEROS = gzipSync(Buffer.alloc(64 * 1024 * 1024));

function randomFrame(random: Random, stream = random.int(8)): Buffer {
  return frame(random.int(12), random.int(256), stream, random.bytes(random.int(120)));
}
