import { expect, test } from 'vitest';
import { type Column, renderTable } from './table.js';
import { painter, tame } from './terminal.js';

interface Row {
  readonly name: string;
  readonly count: number;
  readonly reason: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'NAME', of: ({ name }) => name },
  { title: 'COUNT', of: ({ count }) => count, right: true },
  { title: 'REASON', of: ({ reason }) => reason, cut: true },
];
const ROWS: readonly Row[] = [
  { name: 'a', count: 5, reason: 'a long story about what went wrong' },
  { name: 'bcdef', count: 12_345, reason: '' },
];

test('a table in a pipe is as wide as it needs, without colour', () => {
  expect(renderTable(COLUMNS, ROWS, {})).toBe(
    'NAME   COUNT  REASON\na          5  a long story about what went wrong\nbcdef  12345\n',
  );
});

test('a table in a terminal fits, by cutting what may be cut', () => {
  const lines = renderTable(COLUMNS, ROWS, { isTTY: true, columns: 30 }).trimEnd().split('\n');
  expect(lines[1]).toBe('a          5  a long story ab…');
  for (const line of lines.slice(1)) expect(line.length).toBeLessThanOrEqual(30);
});

test('what somebody else wrote has no power over the terminal', () => {
  expect(tame('\x1b[2Jone\ntwo\x07')).toBe('one two ');
  expect(renderTable(COLUMNS, [{ name: '\x1b[31mred', count: 1, reason: 'x' }], {})).not.toContain('\x1b');
});

test('there is colour for a person, unless NO_COLOR or a plain terminal says otherwise', () => {
  expect(painter({ isTTY: true }, {})('red', 'x')).toBe('\x1b[31mx\x1b[0m');
  expect(painter({ isTTY: true }, { NO_COLOR: '1' })('red', 'x')).toBe('x');
  expect(painter({ isTTY: true }, { TERM: 'dumb' })('red', 'x')).toBe('x');
  expect(painter({}, {})('red', 'x')).toBe('x');
});
