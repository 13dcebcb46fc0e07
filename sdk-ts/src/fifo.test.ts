import { describe, expect, it } from 'vitest';
import { Fifo } from './fifo.js';

describe('Fifo', () => {
  it('keeps the order over many pushes and shifts', () => {
    const fifo = new Fifo<number>();
    let out = 0;
    for (let i = 0; i < 20_000; i++) {
      fifo.push(i);
      if (i % 3 !== 0) expect(fifo.shift()).toBe(out++);
    }
    expect(fifo.length).toBe(20_000 - out);
    expect([...fifo][0]).toBe(out);
    expect(fifo.peek()).toBe(out);
    expect(fifo.drain()).toHaveLength(20_000 - out);
    expect(fifo.shift()).toBeUndefined();
  });
});
