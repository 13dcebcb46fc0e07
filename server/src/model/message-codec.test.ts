import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { MessageSchema } from '@waybill/proto/waybill/v1/message';
import { describe, expect, test } from 'vitest';
import { Random } from '../fixture/random.js';
import { BusError } from './errors.js';
import { isVisibleAscii, openMessage, readIncoming, seal } from './message-codec.js';

const NOW = 1_800_000_000_000;
const VISIBLE = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).join('');

type Init = MessageInitShape<typeof MessageSchema>;

function encode(init: Init): Buffer {
  return Buffer.from(toBinary(MessageSchema, create(MessageSchema, init)));
}

function read(bytes: Buffer) {
  return readIncoming(bytes, 0, bytes.length);
}

function anyMessage(random: Random): Init {
  const maybe = <T>(value: T, otherwise: T) => (random.below(2) === 0 ? value : otherwise);
  const headers: Record<string, string> = {};
  for (let i = random.below(5); i > 0; i--)
    headers[`h${random.text(VISIBLE, 1 + random.below(20))}`] = `wert-${'ü€😀'.slice(0, random.below(3))}`;
  return {
    id: maybe(random.text(VISIBLE, 1 + random.below(128)), ''),
    topic: random.text('abcdefgh.-_:@', 1 + random.below(128)),
    body: Uint8Array.from(random.bytes(random.below(400))),
    headers,
    key: maybe('schlüssel-€-😀', ''),
    delayMs: maybe(BigInt(random.below(2 ** 31)), 0n),
    dueTimeMs: maybe(BigInt(NOW + random.below(2 ** 31)), 0n),
    ttlMs: maybe(BigInt(random.below(2 ** 31)), 0n),
    publishTimeMs: maybe(123n, 0n),
  };
}

describe('a message as it was sent', () => {
  test('is read as the generated code reads it', () => {
    const random = new Random(2);
    for (let i = 0; i < 2_000; i++) {
      const bytes = encode(anyMessage(random));
      const expected = fromBinary(MessageSchema, bytes);
      const incoming = read(bytes);
      expect(incoming).toMatchObject({
        id: expected.id,
        topic: expected.topic,
        key: expected.key,
        bodyLength: expected.body.length,
        headers: Object.keys(expected.headers).length,
        headerProblem: undefined,
        delayMs: Number(expected.delayMs),
        dueTimeMs: Number(expected.dueTimeMs),
        ttlMs: Number(expected.ttlMs),
      });
    }
  });

  test('is found between its start and its end', () => {
    const bytes = encode({ topic: 'orders', id: 'a' });
    const padded = Buffer.concat([Buffer.alloc(3, 0xff), bytes, Buffer.alloc(3, 0xff)]);
    const incoming = readIncoming(padded, 3, 3 + bytes.length);
    expect([incoming.topic, incoming.id, incoming.raw.length]).toEqual(['orders', 'a', bytes.length]);
  });

  test('is refused when a field stands more than once', () => {
    const twice = Buffer.concat([encode({ id: 'a', topic: 'one' }), encode({ id: 'b' })]);
    expect(() => read(twice)).toThrow(BusError);
  });

  test.each([
    [{ '': 'x' }, 'a name is empty'],
    [{ ['n'.repeat(129)]: 'x' }, 'a name has 129 characters'],
    [{ 'a b': 'x' }, 'the name "a?b" is not visible ASCII'],
    [{ ä: 'x' }, 'is not visible ASCII'],
  ])('tells what is wrong with its headers: %j', (headers, problem) => {
    expect(read(encode({ topic: 't', headers })).headerProblem).toContain(problem);
  });

  test('tells that the value of a header is not UTF-8', () => {
    const entry = new BinaryWriter().uint32(0x0a).string('name').uint32(0x12).bytes(Uint8Array.of(0xff)).finish();
    const bytes = Buffer.from(new BinaryWriter().uint32(0x22).bytes(entry).finish());
    expect(read(bytes).headerProblem).toBe('the value of "name" is not UTF-8');
  });

  test('is refused when its key is not UTF-8', () => {
    const bytes = Buffer.from(new BinaryWriter().uint32(0x2a).bytes(Uint8Array.of(0xc3, 0x28)).finish());
    expect(() => read(bytes)).toThrow(BusError);
  });

  test('never brings the reader down, whatever its bytes are', () => {
    const random = new Random(3);
    const whole = encode(anyMessage(random));
    for (let i = 0; i < 20_000; i++) {
      const bytes =
        random.below(2) === 0
          ? random.bytes(random.below(40))
          : Buffer.from(whole.subarray(0, random.below(whole.length)));
      if (bytes.length > 0 && random.below(2) === 0) bytes[random.below(bytes.length)] = random.below(256);
      for (const parse of [read, openMessage]) {
        try {
          parse(bytes);
        } catch (error) {
          expect(error).toMatchObject({ name: 'BusError', reason: 'MALFORMED' });
        }
      }
    }
  });
});

describe('a sealed message', () => {
  test('is what the publisher sent, with id and time of acceptance and without delay', () => {
    const random = new Random(4);
    for (let i = 0; i < 2_000; i++) {
      const init = anyMessage(random);
      const incoming = read(encode(init));
      const id = incoming.id === '' ? `given-${i}` : incoming.id;
      const message = seal(incoming, id, NOW);
      const expected = create(MessageSchema, { ...init, id, delayMs: 0n, dueTimeMs: 0n, publishTimeMs: BigInt(NOW) });
      expect(fromBinary(MessageSchema, message.wire)).toEqual(fromBinary(MessageSchema, encode(expected)));
      expect(message).toMatchObject({
        id,
        topic: incoming.topic,
        key: incoming.key,
        acceptedAt: NOW,
        expiresAt: incoming.ttlMs === 0 ? 0 : NOW + incoming.ttlMs,
      });
    }
  });

  test('is opened again as it was', () => {
    const random = new Random(5);
    for (let i = 0; i < 500; i++) {
      const incoming = read(encode(anyMessage(random)));
      const message = seal(incoming, incoming.id === '' ? 'given' : incoming.id, NOW);
      expect(openMessage(Buffer.from(message.wire))).toEqual({ ...message, wire: Buffer.from(message.wire) });
    }
  });

  test('keeps fields that this gateway does not know', () => {
    const unknown = new BinaryWriter()
      .uint32((100 << 3) | 2)
      .string('of a newer client')
      .finish();
    const incoming = read(Buffer.concat([encode({ topic: 'orders' }), unknown]));
    const read2 = fromBinary(MessageSchema, seal(incoming, 'a', NOW).wire);
    expect(read2.$unknown?.map(({ no }) => no)).toEqual([100]);
  });

  test('has memory of its own', () => {
    const bytes = encode({ topic: 'orders', body: Buffer.from('body') });
    const message = seal(read(bytes), 'a', NOW);
    bytes.fill(0);
    expect(Buffer.from(fromBinary(MessageSchema, message.wire).body).toString()).toBe('body');
  });

  test.each([[encode({ topic: 'orders' })], [encode({ id: 'a' })], [Buffer.alloc(0)]])(
    'has an id and a topic',
    (bytes) => {
      expect(() => openMessage(bytes)).toThrow('a message has no id or no topic');
    },
  );
});

describe('visible ASCII', () => {
  test.each([
    ['a', true],
    ['~!', true],
    ['', false],
    ['a b', false],
    ['a\x7f', false],
    ['ä', false],
    ['a\n', false],
    ['12345', true],
    ['123456', false],
  ])('of at most 5 characters: "%s" %s', (text, expected) => {
    expect(isVisibleAscii(text, 5)).toBe(expected);
  });
});
