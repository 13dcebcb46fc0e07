import { expect, test } from 'vitest';
import { line, quantile, summarize } from './figures.js';
import { parseOptions, UsageError } from './options.js';
import { records, table } from './table.js';

const publish = { name: 'publish', unit: 'messages/s', floor: 1.5 } as const;
const lone = { name: 'lone message, p50', unit: 'ms', floor: null } as const;

test('a median lies in the middle, whatever the order of the rounds', () => {
  expect(summarize([30, 10, 20])).toEqual({ median: 20, min: 10, max: 30 });
  expect(summarize([40, 10, 30, 20])).toEqual({ median: 25, min: 10, max: 40 });
  expect(summarize([7])).toEqual({ median: 7, min: 7, max: 7 });
});

test('no figure comes of no round', () => {
  expect(() => summarize([])).toThrow('no round');
});

test('a quantile between two values is between them', () => {
  expect(quantile([0, 10], 0.99)).toBeCloseTo(9.9);
  expect(quantile([1, 2, 3], 1)).toBe(3);
});

test('the ratio is that of the medians, so a round that was disturbed does not count', () => {
  expect(line(publish, [60_000, 61_000, 900], [40_000, 39_000, 40_000]).ratio).toBe(1.5);
});

test('the table shows both figures, and marks a ratio below its floor', () => {
  const lines = [
    line(publish, [60_000, 50_000, 61_000], [40_000, 30_000, 41_000]),
    line(publish, [44_000], [40_000]),
    line(lone, [1.5], [0.75]),
  ];
  expect(table(lines)).toBe(
    [
      '|                       |                Waybill |                   peer |  ratio | floor |             |',
      '|-----------------------|-----------------------:|-----------------------:|-------:|------:|-------------|',
      '| publish, messages/s   | 60,000 (50,000–61,000) | 40,000 (30,000–41,000) | 1.50 × | 1.5 × |             |',
      '| publish, messages/s   | 44,000 (44,000–44,000) | 40,000 (40,000–40,000) | 1.10 × | 1.5 × | below floor |',
      '| lone message, p50, ms |       1.50 (1.50–1.50) |       0.75 (0.75–0.75) | 2.00 × |       |             |',
    ].join('\n'),
  );
});

test('the JSON holds the medians', () => {
  expect(records([line(lone, [1, 2, 3], [4, 4, 4])])).toEqual([
    { name: 'lone message, p50', unit: 'ms', ours: 2, peer: 4, ratio: 0.5, floor: null },
  ]);
});

test('options have defaults, and what is wrong is named', () => {
  expect(parseOptions([])).toMatchObject({ only: [], json: undefined, help: false });
  expect(parseOptions(['--only', '1,2', '--rounds', '3'])).toMatchObject({ only: [1, 2], rounds: 3 });
  expect(() => parseOptions(['--rounds', 'many'])).toThrow(UsageError);
  expect(() => parseOptions(['--ronuds', '3'])).toThrow(/--ronuds/);
});
