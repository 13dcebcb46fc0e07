import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { PublishStreamRequestSchema } from '@waybill/proto/waybill/v1/bus';
import { MessageSchema } from '@waybill/proto/waybill/v1/message';
import { describe, expect, test } from 'vitest';
import { MessageRules } from '../bus/validate.js';
import { readPublishStreamRequest } from '../edge/grpc/publish-codec.js';
import { Random } from '../fixture/random.js';
import { BusError } from './errors.js';
import { openMessage, readIncoming, seal } from './message-codec.js';
import { matches } from './topic.js';
import { WireReader } from './wire.js';

const NOW = 1_800_000_000_000;

/** What a publisher sends is taken, sealed and handed on as it is: whatever is accepted, every client must be able to read. */
function accepted(bytes: Buffer): Uint8Array | undefined {
  try {
    const incoming = readIncoming(bytes, 0, bytes.length);
    new MessageRules(1024).check(incoming, 'messages[0]', NOW);
    return seal(incoming, incoming.id === '' ? 'given' : incoming.id, NOW).wire;
  } catch (error) {
    expect(error).toBeInstanceOf(BusError);
    return undefined;
  }
}

const base = () => new BinaryWriter().uint32(0x0a).string('id').uint32(0x12).string('orders');
const NOT_UTF8 = Uint8Array.of(0xff, 0xfe);

describe('hostile input', () => {
  test.each([-1n, -2n, -511n, -1_000n])('a negative number stays negative: %d', (value) => {
    const bytes = Buffer.from(new BinaryWriter().int64(value).finish());
    expect(new WireReader(bytes, 0, bytes.length).varint()).toBeLessThan(0);
  });

  test('a number that is written with more bytes than it needs is the same number', () => {
    const bytes = Buffer.from([0x85, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]);
    expect(new WireReader(bytes, 0, bytes.length).varint()).toBe(5);
  });

  test('a delay of -1 is refused', () => {
    const message = create(MessageSchema, { topic: 'orders', delayMs: -1n });
    expect(accepted(Buffer.from(toBinary(MessageSchema, message)))).toBeUndefined();
  });

  test.each([2n ** 53n + 1n, 2n ** 63n - 1n, -1n])('a sequence is echoed as it was sent: %d', (sequence) => {
    const bytes = toBinary(PublishStreamRequestSchema, create(PublishStreamRequestSchema, { sequence }));
    expect(BigInt(readPublishStreamRequest(Buffer.from(bytes)).sequence)).toBe(sequence);
  });

  test.each([
    ['a field of number 0', base().uint32(0x00).uint32(0)],
    ['a number where the id should be', base().uint32(0x08).int32(5)],
    ['a number where the body should be', base().uint32(0x18).int32(200)],
    ['a fixed number where the key should be', base().uint32(0x2d).fixed32(0xffff)],
    ['bytes where the delay should be', base().uint32(0x32).bytes(NOT_UTF8)],
    ['an earlier id that is not UTF-8', new BinaryWriter().uint32(0x0a).bytes(NOT_UTF8).raw(base().finish())],
    ['an earlier topic that is not UTF-8', new BinaryWriter().uint32(0x12).bytes(NOT_UTF8).raw(base().finish())],
    [
      'a header whose earlier name is not UTF-8',
      base().uint32(0x22).fork().uint32(0x0a).bytes(NOT_UTF8).uint32(0x0a).string('name').join(),
    ],
    [
      'a header whose name is a number',
      base().uint32(0x22).fork().uint32(0x08).int32(1).uint32(0x0a).string('n').join(),
    ],
  ])('a message with %s is refused, or is read by every client', (_, writer) => {
    const wire = accepted(Buffer.from(writer.finish()));
    if (wire === undefined) return;
    const read = fromBinary(MessageSchema, wire);
    expect({ id: read.id, topic: read.topic }).toEqual({ id: 'id', topic: 'orders' });
    // Clients of other languages refuse a text that is not UTF-8, wherever it stands.
    expect(Buffer.from(wire).includes(Buffer.from(NOT_UTF8))).toBe(false);
  });

  test.each(['#.a.', '#.*.'])('a hostile pattern stays fast: %s again and again', (part) => {
    // A search that goes back again and again takes seconds for these, and for ever for a pattern of full length.
    const started = performance.now();
    matches(`${part.repeat(10)}b`, Array(30).fill('a').join('.'));
    expect(performance.now() - started).toBeLessThan(500);
  });

  test('whatever is accepted is read by the generated code, and as the gateway read it', () => {
    const random = new Random(10);
    const message = create(MessageSchema, {
      id: 'id',
      topic: 'orders',
      key: 'ü',
      body: new Uint8Array(9),
      headers: { a: 'b', c: 'ü' },
      ttlMs: 300n,
      delayMs: 5n,
    });
    const whole = Buffer.concat([
      toBinary(MessageSchema, message),
      new BinaryWriter().uint32(962).string('new').finish(),
    ]);
    let taken = 0;
    for (let i = 0; i < 60_000; i++) {
      const bytes = Buffer.from(whole);
      for (let changes = 1 + random.below(3); changes > 0; changes--) {
        const value = random.pick([0, 1, 2, 0x7f, 0x80, 0x8a, 0xff, random.below(256)]);
        bytes[random.below(bytes.length)] = value;
      }
      const wire = accepted(bytes);
      if (wire === undefined) continue;
      taken++;
      const read = fromBinary(MessageSchema, wire);
      const opened = openMessage(Buffer.from(wire));
      expect([read.id, read.topic, read.key], bytes.toString('hex')).toEqual([opened.id, opened.topic, opened.key]);
    }
    expect(taken).toBeGreaterThan(1_000);
  });
});
