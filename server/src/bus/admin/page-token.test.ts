import { describe, expect, test } from 'vitest';
import { formatPageToken, parsePageToken } from './page-token.js';

const POSITION = { time: 1_700_000_000_000, channel: 3, topic: 7, id: 'a"quoted"\\id' };

test('a token brings back its place', () => {
  const token = formatPageToken(POSITION, { topic: 't' });
  expect(parsePageToken(token, { topic: 't' })).toEqual(POSITION);
});

test('no place is no token, and no token is the start', () => {
  expect(formatPageToken(undefined, {})).toBe('');
  expect(parsePageToken('', {})).toBeUndefined();
});

test('the longest id makes a token within the limit', () => {
  expect(formatPageToken({ ...POSITION, id: '"'.repeat(128) }, {}).length).toBeLessThanOrEqual(512);
});

/** As a client could make it by itself: the fingerprint is that of the request `{}`. */
function withId(time: number, id: string): string {
  const [print] = JSON.parse(Buffer.from(formatPageToken(POSITION, {}), 'base64url').toString());
  return Buffer.from(JSON.stringify([print, time, 3, 7, id])).toString('base64url');
}

describe('refuses', () => {
  test.each([
    ['text', 'hello'],
    ['other JSON', Buffer.from('{"a":1}').toString('base64url')],
    ['too few parts', Buffer.from('[1,2]').toString('base64url')],
    ['parts of other kinds', Buffer.from('[1,"2",3,4,"5"]').toString('base64url')],
    ['a place before the start', withId(-5, 'a')],
    ['a place that is no number', withId(1e300, 'a')],
    ['an id that no message has', withId(1, 'ö or \0')],
    ['a very long one', 'A'.repeat(100_000)],
  ])('%s', (_, token) => {
    expect(() => parsePageToken(token, {})).toThrow(expect.objectContaining({ reason: 'PAGE_INVALID' }));
  });

  test('the token of another request', () => {
    const token = formatPageToken(POSITION, { topic: 'one' });
    expect(() => parsePageToken(token, { topic: 'two' })).toThrow('other fields');
  });
});
