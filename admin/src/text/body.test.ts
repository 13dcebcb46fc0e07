import { expect, test } from 'vitest';
import { asHex, asJson, asText, bestForm } from './body.js';

const bytes = (text: string) => new TextEncoder().encode(text);

test.each([
  ['{"a":1}', 'json'],
  ['  [1, 2]', 'json'],
  ['{"a":', 'text'],
  ['42', 'text'],
  ['', 'text'],
] as const)('%j is looked at as %s', (text, form) => {
  expect(bestForm(bytes(text))).toBe(form);
});

test('bytes that are no text are looked at as hex', () => {
  expect(bestForm(Uint8Array.of(0xff, 0xfe))).toBe('hex');
  expect(asText(Uint8Array.of(0x61, 0x00))).toBeUndefined();
});

test('JSON is indented and not changed: long numbers keep their digits, strings their spaces', () => {
  const text = '{"id":12345678901234567890,"s":"a: {b, [c]} \\"d\\"","none":{},"list":[ ],"deep":[{"x":1.0},true]}';
  const shown = asJson(text) ?? '';
  expect(shown).toBe(
    [
      '{',
      '  "id": 12345678901234567890,',
      '  "s": "a: {b, [c]} \\"d\\"",',
      '  "none": {},',
      '  "list": [],',
      '  "deep": [',
      '    {',
      '      "x": 1.0',
      '    },',
      '    true',
      '  ]',
      '}',
    ].join('\n'),
  );
  expect(JSON.parse(shown)).toEqual(JSON.parse(text));
});

test('hex is sixteen bytes a line, with the text beside it', () => {
  expect(asHex(bytes('hello, waybill\n!~')).split('\n')).toEqual([
    '00000000  68 65 6c 6c 6f 2c 20 77 61 79 62 69 6c 6c 0a 21  hello, waybill.!',
    `00000010  7e${' '.repeat(45)}  ~`,
  ]);
});
