import { expect, test } from 'vitest';
import { PageSize } from './page-size.js';

test('pages grow to the most while bodies are small', () => {
  const page = new PageSize(1_000);
  for (const rows of [64, 256, 1_000, 1_000]) {
    expect(page.rows).toBe(rows);
    page.saw(rows, rows * 100);
  }
});

test('pages shrink while bodies are large, to one row at least', () => {
  const page = new PageSize(1_000, 1_000);
  page.saw(64, 64 * 100);
  expect(page.rows).toBe(10);
  page.saw(10, 100_000);
  expect(page.rows).toBe(1);
  page.saw(0, 0);
  expect(page.rows).toBe(1);
});
