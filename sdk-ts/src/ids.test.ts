import { describe, expect, it } from 'vitest';
import { batchId, IdMaker } from './ids.js';

describe('ids', () => {
  it('are UUIDs of version 7 that hold the time', () => {
    const id = batchId(new IdMaker(() => 0x0190_0000_0001).prefix(), 0x01ff);
    expect(id).toMatch(/^01900000-0001-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{8}01ff$/);
  });

  it('share their first 32 characters inside a batch, and nowhere else', () => {
    const ids = new IdMaker();
    const prefixes = new Set(Array.from({ length: 1_000 }, () => ids.prefix()));
    expect(prefixes.size).toBe(1_000);
    for (const prefix of prefixes) expect(prefix).toHaveLength(32);
  });

  it('grow, also when a millisecond has more batches than it can count and when the clock goes back', () => {
    let now = 1_000;
    const ids = new IdMaker(() => now);
    const prefixes = Array.from({ length: 5_000 }, () => ids.prefix());
    now = 10;
    prefixes.push(ids.prefix());
    const times = prefixes.map((prefix) => prefix.slice(0, 18));
    expect(times).toEqual([...new Set(times)].sort());
  });
});
