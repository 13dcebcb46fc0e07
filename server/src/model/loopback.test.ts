import { expect, test } from 'vitest';
import { isLoopback, mayBeLoopback } from './loopback.js';

test.each([
  // host, certain, possible
  ['127.0.0.1', true, true],
  ['127.255.0.9', true, true],
  ['localhost', true, true],
  ['LOCALHOST', true, true],
  ['::1', true, true],
  ['[::1]', true, true],
  ['0:0:0:0:0:0:0:1', true, true],
  ['::ffff:127.0.0.1', true, true],
  ['::FFFF:7f00:1', true, true],
  ['127.1', false, true],
  ['127.0.0.999', false, true],
  ['127.0.0.1.evil.example', false, true],
  ['foo.localhost', false, true],
  ['FOO.LOCALHOST', false, true],
  ['[localhost]', false, false],
  ['[127.0.0.1]', false, false],
  ['notlocalhost', false, false],
  ['localhost.evil.example', false, false],
  ['1.127.0.1', false, false],
  ['128.0.0.1', false, false],
  ['10.0.0.1', false, false],
  ['0.0.0.0', false, false],
  ['::', false, false],
  ['::ffff:128.0.0.1', false, false],
  ['::127.0.0.1', false, false],
  ['7f00:1::', false, false],
  ['gateway.internal', false, false],
  ['', false, false],
])('whether "%s" is this machine: certain %s, possible %s', (host, certain, possible) => {
  expect(isLoopback(host)).toBe(certain);
  expect(mayBeLoopback(host)).toBe(possible);
});
