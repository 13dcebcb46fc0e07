import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { describe, expect, test } from 'vitest';
import type { BusError } from './errors.js';
import { varintLength, WireReader, writeVarint } from './wire.js';

const BORDERS = [0, 1, 7, 14, 21, 28, 31, 32, 35, 42, 49, 53].flatMap((bits) => [
  2 ** bits - 1,
  2 ** bits,
  2 ** bits + 1,
]);
const WHOLE = [...new Set(BORDERS)].filter((value) => value >= 0 && value <= Number.MAX_SAFE_INTEGER);

function reader(bytes: Uint8Array | number[]): WireReader {
  const buffer = Buffer.from(bytes);
  return new WireReader(buffer, 0, buffer.length);
}

function expectMalformed(read: () => unknown): void {
  expect(read).toThrow(expect.objectContaining({ name: 'BusError', reason: 'MALFORMED' }) as BusError);
}

describe('a varint', () => {
  test.each(WHOLE)('of %d is written as the library writes it, and read back', (value) => {
    const expected = new BinaryWriter().int64(value).finish();
    const bytes = Buffer.alloc(16);
    const end = writeVarint(bytes, 0, value);
    expect([...bytes.subarray(0, end)]).toEqual([...expected]);
    expect(varintLength(value)).toBe(expected.length);
    expect(reader(expected).varint()).toBe(value);
    expect(new BinaryReader(bytes.subarray(0, end)).int64()).toBe(BigInt(value));
  });

  test('is written where it is told to, and nowhere else', () => {
    const bytes = Buffer.alloc(6, 0xee);
    expect(writeVarint(bytes, 2, 300)).toBe(4);
    expect([...bytes]).toEqual([0xee, 0xee, 0xac, 0x02, 0xee, 0xee]);
  });

  test('that is far below zero stays below zero', () => {
    const bytes = new BinaryWriter().int64(-(2n ** 62n)).finish();
    expect(reader(bytes).varint()).toBe(-(2 ** 62));
  });

  test.each([[[]], [[0x80]], [[0xff, 0xff]], [Array(11).fill(0x80)]])('that has no end is malformed: %j', (bytes) => {
    expectMalformed(() => {
      const wire = reader(bytes);
      // Ten bytes are the longest number, so the eleventh begins another, which is cut off.
      wire.varint();
      wire.varint();
    });
  });
});

describe('a field', () => {
  test('answers where it starts, and moves behind it', () => {
    const wire = reader([3, 1, 2, 3, 9]);
    expect(wire.field()).toBe(1);
    expect(wire.position).toBe(4);
  });

  test('ends where the reader ends, though the memory goes on', () => {
    const buffer = Buffer.from([2, 1, 2, 3]);
    expectMalformed(() => new WireReader(buffer, 0, 2).field());
  });

  test.each([
    [[5, 1, 2]],
    [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
  ])('longer than what is there is malformed: %j', (bytes) => {
    expectMalformed(() => {
      const wire = reader(bytes);
      wire.field();
      // A length of -1 may read as an empty field; it must at least never move backwards or past the end.
      expect(wire.position).toBeLessThanOrEqual(wire.end);
      wire.varint();
    });
  });
});

describe('skipping', () => {
  test.each([
    [0, [0x96, 0x01], 2],
    [1, Array(8).fill(7), 8],
    [2, [2, 1, 1], 3],
    [5, Array(4).fill(7), 4],
  ])('passes wire type %i', (type, bytes, length) => {
    const wire = reader([...bytes, 1]);
    wire.skip((15 << 3) | type);
    expect(wire.position).toBe(length);
  });

  test.each([
    [1, Array(7).fill(7)],
    [5, [1, 2, 3]],
    [2, [4, 1]],
    [3, [1]],
    [4, [1]],
    [6, [1]],
    [7, [1]],
  ])('refuses wire type %i with %j', (type, bytes) => {
    expectMalformed(() => reader(bytes).skip((15 << 3) | type));
  });
});
