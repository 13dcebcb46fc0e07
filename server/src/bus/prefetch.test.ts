import { describe, expect, test } from 'vitest';
import { Prefetch } from './prefetch.js';

const MB = 1024 * 1024;
const NONE = Number.POSITIVE_INFINITY;
const NOTHING = { frames: 0, messages: 0 };

function prefetchOf(limit = 0): Prefetch {
  return new Prefetch({ limit, bytes: 64 * MB });
}

describe('the prefetch', () => {
  test('follows the credit, in frames as large as they come', () => {
    const prefetch = prefetchOf();
    expect(prefetch.frames(10, NOTHING, false, NONE)).toBe(16);
    prefetch.observe(32, 10_000);
    expect(prefetch.frames(320, NOTHING, false, NONE)).toBe(16);
    expect(prefetch.frames(320, NOTHING, true, NONE)).toBe(10);
    expect(prefetch.frames(0, NOTHING, false, NONE)).toBe(0);
  });

  test('asks for what is missing on top of frames of another size', () => {
    const prefetch = prefetchOf();
    prefetch.observe(32, 10_000);
    const frames = prefetch.frames(1_000, { frames: 300, messages: 300 }, false, NONE);
    expect(frames).toBeGreaterThanOrEqual(300 + Math.ceil(1_200 / 32));
  });

  test('lets nothing more in once enough is here, however often it is asked', () => {
    const prefetch = prefetchOf();
    prefetch.observe(32, 10_000);
    const held = { frames: 2, messages: 64 };
    for (let i = 0; i < 100; i++) {
      const wanted = prefetch.frames(1, held, false, NONE);
      if (wanted > held.frames) {
        held.frames = wanted;
        held.messages = wanted * 32;
      }
    }
    expect(held.frames).toBe(2);
  });

  test('is small until a frame has told how large they are', () => {
    const prefetch = prefetchOf();
    expect(prefetch.frames(100_000, NOTHING, false, NONE)).toBe(32);
    expect(prefetch.frames(100_000, NOTHING, false, MB)).toBe(4);
    expect(prefetch.observe(1, 1_000)).toBe(true);
    expect(prefetch.frames(1_000, NOTHING, false, NONE)).toBe(1_536);
  });

  test('fits the bytes that the channel may hold, two frames at the least', () => {
    const prefetch = prefetchOf();
    expect(prefetch.observe(1, 4 * MB)).toBe(true);
    expect(prefetch.frames(100_000, NOTHING, false, NONE)).toBe(16);
    expect(prefetch.frames(100_000, NOTHING, false, 20 * MB)).toBe(5);
    expect(prefetch.frames(100_000, NOTHING, false, 5 * MB)).toBe(2);
  });

  test('is one frame when the gateway holds too much', () => {
    const prefetch = prefetchOf();
    expect(prefetch.frames(100, NOTHING, false, 0)).toBe(1);
    prefetch.observe(1, 4 * MB);
    expect(prefetch.frames(100, NOTHING, false, 0)).toBe(1);
    expect(prefetch.frames(100, NOTHING, false, MB)).toBe(1);
  });

  test('never passes the limit of the config', () => {
    const prefetch = prefetchOf(3);
    prefetch.observe(1, 100);
    expect(prefetch.frames(100, NOTHING, false, NONE)).toBe(3);
  });

  test('is worth asking for anew when frames change their size, in messages or in bytes', () => {
    const prefetch = prefetchOf();
    expect(prefetch.observe(10, 10_000)).toBe(true);
    expect(prefetch.observe(10, 10_000)).toBe(false);
    expect(Array.from({ length: 40 }, () => prefetch.observe(10, 30_000))).toContain(true);
    expect(Array.from({ length: 40 }, () => prefetch.observe(30, 30_000))).toContain(true);
    expect(prefetch.observe(30, 30_000)).toBe(false);
  });
});
