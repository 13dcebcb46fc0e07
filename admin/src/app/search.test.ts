import { expect, test } from 'vitest';
import { filtersNamed, parseSearch, stringifySearch } from './search.js';

test('filters are plain in the URL, whatever they hold, and come back as they were', () => {
  const filters = { id: '42', topic: 'a&b=c', reason: 'no such mailbox "x"' };
  const text = stringifySearch(filters);
  expect(text).toBe('?id=42&topic=a%26b%3Dc&reason=no+such+mailbox+%22x%22');
  expect(parseSearch(text)).toEqual(filters);
  expect(stringifySearch({ id: '', topic: undefined })).toBe('');
});

test('a view takes the filters that it knows, and no others', () => {
  expect(filtersNamed('id', 'topic')({ id: 'x', topic: '', evil: 'y', state: 3 })).toEqual({ id: 'x' });
});
