import type { MessageInitShape } from '@bufbuild/protobuf';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { MessageSchema } from '@waybill/proto/waybill/v1/message';
import { bytesOf } from './raw-client.js';

/** A message that no gateway may accept. */
export interface BadMessage {
  readonly line: string;
  /** The encoded message; `topic` is one that is good. */
  readonly message: (topic: string) => Uint8Array;
  readonly code: string;
  readonly reason: string;
  /** Within the message. */
  readonly field: string;
  readonly limit: string;
}

/** What the gateway under test is told by config. */
export const MAX_MESSAGE_BYTES = 65_536;

const TEN_YEARS_MS = 315_360_000_000n;
const NAME = '1 to 128 characters of A-Z a-z 0-9 . _ : @ -';
const ID = '1 to 128 characters of visible ASCII';
const KEY = 'up to 128 characters';
const HEADERS = 'names of 1 to 128 characters of visible ASCII, values of UTF-8';
const DELAY = '0 to 315360000000 ms (10 years)';
const DUE = 'a Unix time in ms, at most 10 years ahead';

type Init = MessageInitShape<typeof MessageSchema>;
type Kind = Omit<BadMessage, 'line' | 'message'>;

const invalid = (reason: string, field: string, limit: string): Kind => ({
  code: 'INVALID_ARGUMENT',
  reason,
  field,
  limit,
});
const topicKind = invalid('TOPIC_INVALID', 'topic', NAME);
const idKind = invalid('ID_INVALID', 'id', ID);
const keyKind = invalid('KEY_INVALID', 'key', KEY);
const headerKind = invalid('HEADER_INVALID', 'headers', HEADERS);
const delayKind = invalid('DELAY_INVALID', 'delay_ms', DELAY);
const dueKind = invalid('DELAY_INVALID', 'due_time_ms', DUE);
const ttlKind = invalid('TTL_INVALID', 'ttl_ms', DELAY);
const shortTtlKind = invalid('TTL_INVALID', 'ttl_ms', 'longer than the delay');
const bodyKind = {
  code: 'RESOURCE_EXHAUSTED',
  reason: 'BODY_TOO_LARGE',
  field: 'body',
  limit: `up to ${MAX_MESSAGE_BYTES} bytes (config MaxMessageBytes)`,
};

export const BAD_MESSAGES: readonly BadMessage[] = [
  ...table(topicKind, [
    ['an empty topic', { topic: '' }],
    ['a topic of 129 characters', { topic: 't'.repeat(129) }],
    ['a topic with a slash', { topic: 'a/b' }],
    ['a topic with a space', { topic: 'a b' }],
    ['a topic with an umlaut', { topic: 'grün' }],
    ['a topic with a line break', { topic: 'a\n' }],
    ['a topic that is a pattern', { topic: 'orders.*' }],
  ]),
  bytes(topicKind, 'a topic that is not UTF-8', () => new BinaryWriter().uint32(18).bytes(Uint8Array.of(0xff, 0xfe))),
  ...table(idKind, [
    ['an id of 129 characters', { id: 'i'.repeat(129) }],
    ['an id with a space', { id: 'a b' }],
    ['an id with a NUL', { id: 'a\0' }],
    ['an id beyond ASCII', { id: 'ü' }],
  ]),
  ...table(keyKind, [
    ['a key of 129 characters', { key: 'k'.repeat(129) }],
    ['a key of 129 emoji', { key: '😀'.repeat(129) }],
  ]),
  ...table(headerKind, [
    ['a header without a name', { headers: { '': 'v' } }],
    ['a header name of 129 characters', { headers: { ['n'.repeat(129)]: 'v' } }],
    ['a header name with a space', { headers: { 'a b': 'v' } }],
    ['a header name beyond ASCII', { headers: { ö: 'v' } }],
  ]),
  bytes(headerKind, 'a header value that is not UTF-8', (topic) => header(topic, 'name', Uint8Array.of(0xc3, 0x28))),
  ...table(invalid('HEADER_INVALID', 'headers', 'up to 64 headers'), [
    ['65 headers', { headers: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`h${i}`, ''])) }],
  ]),
  ...table(invalid('HEADER_INVALID', 'headers', 'up to 16384 bytes together'), [
    ['17 KiB in one header', { headers: { name: 'v'.repeat(17_000) } }],
    [
      '17 KiB in 17 headers',
      { headers: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`${i}`, 'v'.repeat(1_000)])) },
    ],
  ]),
  ...table(bodyKind, [['a body of one byte too many', { body: Buffer.alloc(MAX_MESSAGE_BYTES + 1) }]]),
  ...table(delayKind, [
    ['a delay of -1 ms', { delayMs: -1n }],
    ['the least delay that can be said', { delayMs: -(2n ** 63n) }],
    ['a delay of 10 years and 1 ms', { delayMs: TEN_YEARS_MS + 1n }],
    ['the greatest delay that can be said', { delayMs: 2n ** 63n - 1n }],
  ]),
  ...table(dueKind, [['a due time before 1970', { dueTimeMs: -1n }]]),
  built(dueKind, 'a due time in 10 years and a minute', (topic) => ({
    topic,
    dueTimeMs: BigInt(Date.now()) + TEN_YEARS_MS + 60_000n,
  })),
  built(invalid('DELAY_INVALID', 'due_time_ms', 'at most one of delay_ms and due_time_ms'), 'two times', (topic) => ({
    topic,
    delayMs: 1_000n,
    dueTimeMs: BigInt(Date.now()) + 1_000n,
  })),
  ...table(ttlKind, [
    ['a time to live of -1 ms', { ttlMs: -1n }],
    ['a time to live of 10 years and 1 ms', { ttlMs: TEN_YEARS_MS + 1n }],
  ]),
  ...table(shortTtlKind, [
    ['a time to live shorter than the delay', { ttlMs: 999n, delayMs: 1_000n }],
    ['a time to live as long as the delay', { ttlMs: 1_000n, delayMs: 1_000n }],
  ]),
  built(shortTtlKind, 'a time to live that ends before the due time', (topic) => ({
    topic,
    ttlMs: 1_000n,
    dueTimeMs: BigInt(Date.now()) + 60_000n,
  })),
];

/** Bytes that are a field of the request, and no message that a consumer could read. */
export const UNREADABLE_MESSAGES: readonly {
  readonly line: string;
  readonly message: (topic: string) => Uint8Array;
}[] = [
  { line: 'a key that is not UTF-8', message: (topic) => good(topic).uint32(42).bytes(Uint8Array.of(0xff)).finish() },
  { line: 'a field that is cut off', message: (topic) => append(topic, [26, 100, 1]) },
  { line: 'a number that is cut off', message: (topic) => append(topic, [48, 0x80]) },
  { line: 'a number without an end', message: (topic) => append(topic, [48, ...Array<number>(10).fill(0xff), 1]) },
  { line: 'a group', message: (topic) => append(topic, [0x7b, 0x7c]) },
  { line: 'wire type 7', message: (topic) => append(topic, [0x7f]) },
  { line: 'field number 0', message: (topic) => append(topic, [2, 1, 65]) },
  { line: 'a field number past the greatest', message: (topic) => append(topic, [0x82, 0x80, 0x80, 0x80, 0x10, 0]) },
  { line: 'field number 0 in a header', message: (topic) => append(topic, [34, 6, 10, 1, 65, 2, 1, 65]) },
  {
    line: 'a first topic that is not UTF-8',
    message: (topic) => Buffer.concat([Uint8Array.of(18, 1, 0xff), good(topic).finish()]),
  },
  { line: 'a first id that is not UTF-8', message: (topic) => append(topic, [10, 1, 0xff, 10, 1, 65]) },
];

function table(kind: Kind, rows: readonly (readonly [line: string, message: Init])[]): BadMessage[] {
  return rows.map(([line, message]) => built(kind, line, (topic) => ({ topic, ...message })));
}

function built(kind: Kind, line: string, message: (topic: string) => Init): BadMessage {
  return { ...kind, line, message: (topic) => bytesOf(MessageSchema, message(topic)) };
}

function bytes(kind: Kind, line: string, message: (topic: string) => BinaryWriter): BadMessage {
  return { ...kind, line, message: (topic) => message(topic).finish() };
}

function good(topic: string): BinaryWriter {
  return new BinaryWriter().uint32(18).string(topic);
}

function header(topic: string, name: string, value: Uint8Array): BinaryWriter {
  return good(topic).uint32(34).fork().uint32(10).string(name).uint32(18).bytes(value).join();
}

function append(topic: string, more: readonly number[]): Uint8Array {
  return Buffer.concat([good(topic).finish(), Uint8Array.from(more)]);
}

/** A number that is cut off, a wire type that is none, and a text that is cut off. */
export const NO_PROTOBUF = [[0xff], [0x07], [0x12, 0x05, 0x01]].map((bytes) => Uint8Array.from(bytes));
