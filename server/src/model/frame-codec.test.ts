import { describe, expect, test } from 'vitest';
import { incoming } from '../fixture/incoming.js';
import { Random } from '../fixture/random.js';
import { decodeFrame, encodeFrame } from './frame-codec.js';
import { seal } from './message-codec.js';

function message(id: string, size: number) {
  return seal(incoming({ topic: 'orders', body: Buffer.alloc(size, id) }), id, 1_800_000_000_000);
}

describe('a frame', () => {
  test.each([[[0]], [[1, 127, 128, 129]], [[16_383, 16_384, 100_000]], [Array(32).fill(256)]])(
    'is decoded to the messages that it was made of: %j bytes',
    (sizes) => {
      const messages = sizes.map((size, i) => message(`m${i}`, size));
      expect(decodeFrame(encodeFrame(messages))).toEqual(messages);
    },
  );

  test('that is empty is malformed', () => {
    expect(() => decodeFrame(Buffer.alloc(0))).toThrow('a frame is empty');
  });

  test('that holds something else is malformed', () => {
    expect(() => decodeFrame(Buffer.from([0x12, 0x00]))).toThrow('a frame holds something else than messages');
  });

  test('never brings the reader down, whatever its bytes are', () => {
    const random = new Random(6);
    const whole = encodeFrame([message('a', 10), message('b', 20)]);
    for (let i = 0; i < 20_000; i++) {
      const bytes = Buffer.from(whole.subarray(0, 1 + random.below(whole.length)));
      for (let flips = random.below(4); flips > 0; flips--) bytes[random.below(bytes.length)] = random.below(256);
      try {
        expect(decodeFrame(bytes).length).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toMatchObject({ name: 'BusError', reason: 'MALFORMED' });
      }
    }
  });
});
