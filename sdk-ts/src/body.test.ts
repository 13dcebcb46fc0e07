import { describe, expect, it } from 'vitest';
import { encodeBody } from './body.js';

describe('bodies', () => {
  it('a string is UTF-8 and bytes are themselves', () => {
    expect(encodeBody('grün')).toEqual({ content: 'grün', length: 5, json: false });
    const bytes = new Uint8Array([1, 2]);
    expect(encodeBody(bytes)).toEqual({ content: bytes, length: 2, json: false });
  });

  it.each([
    [{ a: 1 }, '{"a":1}'],
    [[1, 2], '[1,2]'],
    [7, '7'],
    [null, 'null'],
    [true, 'true'],
  ])('%j is JSON', (body, text) => {
    expect(encodeBody(body)).toEqual({ content: text, length: text.length, json: true });
  });

  it('what JSON cannot hold is refused', () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    for (const body of [circular, () => 1]) {
      expect(() => encodeBody(body)).toThrow(expect.objectContaining({ reason: 'BODY_INVALID', field: 'body' }));
    }
  });
});
