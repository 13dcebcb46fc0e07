import { expect, test } from 'vitest';
import { changesOf } from './changes.js';

const encode = (text: string) => new TextEncoder().encode(text);
const message = { body: encode('{"n":1}'), headers: { source: 'shop', trace: 'abc' } };

test('an edit that changes nothing asks for nothing', () => {
  expect(changesOf(message, '{"n":1}', { trace: 'abc', source: 'shop' })).toBeUndefined();
});

test('only what differs is sent', () => {
  expect(changesOf(message, '{"n":2}', { source: 'shop', extra: 'x' })).toEqual({
    body: encode('{"n":2}'),
    setHeaders: { extra: 'x' },
    removeHeaders: ['trace'],
  });
  expect(changesOf(message, '{"n":1}', { ...message.headers, source: 'desk' })).toEqual({
    setHeaders: { source: 'desk' },
    removeHeaders: [],
  });
});

test('a body that is no text stays as it is', () => {
  const binary = { body: Uint8Array.of(0xff), headers: {} };
  expect(changesOf(binary, undefined, {})).toBeUndefined();
  expect(changesOf(binary, undefined, { fixed: 'yes' })).toEqual({ setHeaders: { fixed: 'yes' }, removeHeaders: [] });
});
