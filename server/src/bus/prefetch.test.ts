import { describe, expect, test } from 'vitest';
import { Prefetch } from './prefetch.js';

const NOTHING = { frames: 0, messages: 0 };

function learnt(messages: number, bytes = 100): Prefetch {
  const prefetch = new Prefetch({ limit: 0, bytes: 1_000_000 });
  for (let i = 0; i < 200; i++) prefetch.observe(messages, bytes);
  return prefetch;
}

describe('the prefetch', () => {
  test('is 0 without credit', () => {
    expect(learnt(1).frames(0, { frames: 10, messages: 10 })).toBe(0);
  });

  test('brings half as many messages again as the credit takes, and a frame', () => {
    expect(learnt(1).frames(4, NOTHING)).toBe(7);
    const frames = learnt(32).frames(320, NOTHING);
    expect(frames).toBeGreaterThanOrEqual(16);
    expect(frames).toBeLessThanOrEqual(20);
  });

  test('asks for what is missing on top of frames of another size', () => {
    expect(learnt(32).frames(1_000, { frames: 300, messages: 300 })).toBeGreaterThanOrEqual(
      300 + Math.ceil(1_200 / 32),
    );
  });

  test('lets nothing more in once enough is here, however often it is asked', () => {
    const prefetch = learnt(32);
    const held = { frames: 2, messages: 64 };
    for (let i = 0; i < 100; i++) {
      const wanted = prefetch.frames(1, held);
      if (wanted > held.frames) {
        held.frames = wanted;
        held.messages = wanted * 32;
      }
    }
    expect(held.frames).toBe(2);
  });

  test('keeps to its limits of frames and bytes', () => {
    const few = new Prefetch({ limit: 5, bytes: 1_000_000 });
    expect(few.frames(1_000, NOTHING)).toBe(5);
    expect(learnt(1, 100_000).frames(1_000, NOTHING)).toBe(10);
  });
});
