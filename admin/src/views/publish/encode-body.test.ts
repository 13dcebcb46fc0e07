import { expect, test } from 'vitest';
import { encodeBody } from './encode-body.js';

test.each([
  ['text', 'grüße', [0x67, 0x72, 0xc3, 0xbc, 0xc3, 0x9f, 0x65]],
  ['json', '[1]', [0x5b, 0x31, 0x5d]],
  ['base64', 'aGk=', [0x68, 0x69]],
  ['base64', '_-8', [0xff, 0xef]],
  ['hex', '00 ff\n0A', [0x00, 0xff, 0x0a]],
  ['hex', '', []],
] as const)('%s %j', (kind, text, expected) => {
  const { bytes, fault } = encodeBody(text, kind);
  expect(fault).toBe('');
  expect([...bytes]).toEqual(expected);
});

test.each([
  ['json', '{"a":', 'Not JSON'],
  ['base64', '***', 'Not base64.'],
  ['hex', 'abc', 'Two digits'],
  ['hex', 'zz', 'Two digits'],
] as const)('%s %j is refused, and nothing would be sent', (kind, text, fault) => {
  const encoded = encodeBody(text, kind);
  expect(encoded.fault).toContain(fault);
  expect(encoded.bytes).toHaveLength(0);
});
