import { expect, test } from 'vitest';
import { line, lineAgainst, quantile, summarize } from './figures.js';
import { parseOptions, UsageError } from './options.js';
import { RollCall } from './roll-call.js';
import { growthPerHour } from './soak/report.js';
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

test('a figure that was published stands without a range, and says what it is', () => {
  const settled = lineAgainst({ name: 'settled', unit: 'messages/s', floor: 3 }, [2_000, 3_000, 1_000], 900);
  expect(table([settled])).toContain('| 2,000 (1,000–3,000) | 900 (published) | 2.22 × |   3 × | below floor |');
  expect(records([settled])).toMatchObject([{ ours: 2_000, peer: 900, published: true }]);
});

test('the JSON holds the medians', () => {
  expect(records([line(lone, [1, 2, 3], [4, 4, 4])])).toEqual([
    { name: 'lone message, p50', unit: 'ms', ours: 2, peer: 4, published: false, ratio: 0.5, floor: null },
  ]);
});

test('options have defaults, and what is wrong is named', () => {
  expect(parseOptions([])).toMatchObject({ only: [], json: undefined, help: false });
  expect(parseOptions(['--only', '1,2', '--rounds', '3'])).toMatchObject({ only: [1, 2], rounds: 3 });
  expect(() => parseOptions(['--rounds', 'many'])).toThrow(UsageError);
  expect(() => parseOptions(['--ronuds', '3'])).toThrow(/--ronuds/);
});

test('a million is the word for it, and another number may be named', () => {
  expect(parseOptions([])).toMatchObject({ million: undefined, soakMs: undefined });
  expect(parseOptions(['--million'])).toMatchObject({ million: 1_000_000 });
  expect(parseOptions(['--million', '--json', 'file'])).toMatchObject({ million: 1_000_000, json: 'file' });
  expect(parseOptions(['--million', '50000'])).toMatchObject({ million: 50_000 });
  expect(() => parseOptions(['--million', 'some'])).toThrow(UsageError);
});

test('a soak takes a duration', () => {
  expect(parseOptions(['--soak', '10m'])).toMatchObject({ soakMs: 600_000 });
  expect(parseOptions(['--soak', '90s'])).toMatchObject({ soakMs: 90_000 });
  expect(() => parseOptions(['--soak', 'long'])).toThrow(UsageError);
  expect(() => parseOptions(['--soak', '1h', '--million'])).toThrow('two runs');
});

test('growth is the slope of a line, with its error; noise without a slope has one that its error covers', () => {
  const steady = [100, 101, 100, 101, 100, 101, 100, 101].map((rssMb, n) => ({ atSeconds: n * 60, rssMb }));
  const growing = [100, 102, 104, 106, 108].map((rssMb, n) => ({ atSeconds: n * 60, rssMb }));
  const noise = growthPerHour(steady);
  expect(Math.abs(noise?.slope ?? Number.NaN)).toBeLessThan(2 * (noise?.error ?? 0));
  expect(growthPerHour(growing)?.slope).toBeCloseTo(120);
  expect(growthPerHour(growing)?.error).toBeCloseTo(0);
  expect(growthPerHour(steady.slice(0, 3))).toBeUndefined();
});

test('each that came is counted once, and what came again as such', () => {
  const roll = new RollCall('run', 3);
  expect(roll.came(roll.id(1))).toBe(1);
  roll.came(roll.id(1));
  roll.came(roll.id(2));
  expect(roll).toMatchObject({ distinct: 2, duplicated: 1, lost: 1 });
  expect(() => roll.came('run-000000000003')).toThrow('none of run');
});
