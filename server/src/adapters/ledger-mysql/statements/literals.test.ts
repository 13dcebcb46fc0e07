import { expect, test } from 'vitest';
import { asciiLiteral, bytesLiteral, textLiteral } from './literals.js';

test('an id is quoted, and escaped where it must be', () => {
  expect(asciiLiteral('0190a1b2-7c3d')).toBe(`'0190a1b2-7c3d'`);
  expect(asciiLiteral(`a'b\\c`)).toBe(`'a\\'b\\\\c'`);
});

test('an id that no column takes is refused before it reaches a statement', () => {
  for (const id of ['', 'two words', 'größe', 'a\u0000b', 'x'.repeat(129)]) {
    expect(() => asciiLiteral(id)).toThrow(expect.objectContaining({ reason: 'ID_INVALID' }));
  }
});

test('a free text is escaped, and cut off at what its column takes', () => {
  expect(textLiteral(`it's \\ 'q'\u0000`, 100)).toBe(`'it\\'s \\\\ \\'q\\'\\0'`);
  expect(textLiteral('grün 🙂', 100)).toBe(`'grün 🙂'`);
  expect(textLiteral('abcdef', 3)).toBe(`'abc'`);
  expect(textLiteral('', 3)).toBe(`''`);
});

test('bytes are written in hexadecimal', () => {
  expect(bytesLiteral(new Uint8Array([0, 255, 16]).subarray(1))).toBe(`x'ff10'`);
});
