import { describe, expect, test } from 'vitest';
import { CronSchedule } from './cron-schedule.js';

const at = (text: string) => Date.parse(text);
const texts = (times: readonly number[]) => times.map((time) => new Date(time).toISOString().replace('.000Z', 'Z'));
const after = (expression: string, zone: string, from: string, count = 3) =>
  texts(CronSchedule.parse(expression, zone).upcoming(at(from), count));

describe('a time of day', () => {
  test('that daylight saving leaves out comes at the first moment after the gap, once', () => {
    expect(after('30 2 * * *', 'Europe/Berlin', '2026-03-28T00:00:00Z')).toEqual([
      '2026-03-28T01:30:00Z',
      '2026-03-29T01:00:00Z',
      '2026-03-30T00:30:00Z',
    ]);
  });

  test('that daylight saving repeats comes the first time only', () => {
    expect(after('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z')).toEqual([
      '2026-10-25T00:30:00Z',
      '2026-10-26T01:30:00Z',
      '2026-10-27T01:30:00Z',
    ]);
    // Also for whoever asks between the two.
    expect(after('30 2 * * *', 'Europe/Berlin', '2026-10-25T00:45:00Z', 1)).toEqual(['2026-10-26T01:30:00Z']);
  });

  test('in a list or range is one as well', () => {
    expect(after('0,30 2-3 * * *', 'America/New_York', '2026-03-08T05:00:00Z', 4)).toEqual([
      // 2:00 and 2:30 are not there: both come at 3:00, with the one that is.
      '2026-03-08T07:00:00Z',
      '2026-03-08T07:30:00Z',
      '2026-03-09T06:00:00Z',
      '2026-03-09T06:30:00Z',
    ]);
  });

  test('follows a zone that moves by half an hour', () => {
    expect(after('15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00:00Z', 2)).toEqual([
      '2026-10-03T15:30:00Z',
      '2026-10-04T15:15:00Z',
    ]);
  });
});

test('an interval goes on through the change of the clocks, as time passes', () => {
  expect(after('*/30 * * * *', 'Europe/Berlin', '2026-03-29T00:15:00Z')).toEqual([
    '2026-03-29T00:30:00Z',
    '2026-03-29T01:00:00Z',
    '2026-03-29T01:30:00Z',
  ]);
  expect(after('*/30 * * * *', 'Europe/Berlin', '2026-10-25T00:15:00Z', 4)).toEqual([
    '2026-10-25T00:30:00Z',
    '2026-10-25T01:00:00Z',
    '2026-10-25T01:30:00Z',
    '2026-10-25T02:00:00Z',
  ]);
});

test.each([
  ['seconds come first where there are six fields', '*/20 * * * * *', '2026-01-01T00:00:20Z'],
  ['day or weekday is enough', '0 0 13 * 5', '2026-01-02T00:00:00Z'],
  ['the last day of a month', '0 0 L * *', '2026-01-31T00:00:00Z'],
  ['the second Friday', '0 0 * * 5#2', '2026-01-09T00:00:00Z'],
  ['names of months and days', '0 0 * FEB MON', '2026-02-02T00:00:00Z'],
  ['a nickname', '@monthly', '2026-02-01T00:00:00Z'],
  ['the leap day', '0 0 29 2 *', '2028-02-29T00:00:00Z'],
])('%s', (_, expression, next) => {
  expect(after(expression, '', '2026-01-01T00:00:00Z', 1)).toEqual([next]);
});

test('the next is always later than the time that is asked from, and the last never is', () => {
  const minutely = CronSchedule.parse('* * * * *', 'UTC');
  const noon = at('2026-01-01T12:00:00Z');
  expect(minutely.after(noon)).toBe(noon + 60_000);
  expect(minutely.after(noon - 1)).toBe(noon);
  expect(minutely.last(noon)).toBe(noon);
  expect(minutely.last(noon - 1)).toBe(noon - 60_000);
  expect(minutely.last(noon + 500)).toBe(noon);
  const everySecond = CronSchedule.parse('* * * * * *', 'UTC');
  for (const ms of [0, 1, 500, 999]) expect(everySecond.last(noon + ms)).toBe(noon);
});

test('the last of a time that came twice is the first of the two', () => {
  const schedule = CronSchedule.parse('30 2 * * *', 'Europe/Berlin');
  expect(texts([schedule.last(at('2026-10-25T03:00:00Z')) ?? 0])).toEqual(['2026-10-25T00:30:00Z']);
});

test('what never comes has no next', () => {
  expect(CronSchedule.parse('0 0 31 2 *', 'UTC').after(0)).toBeUndefined();
});

describe('refuses', () => {
  test.each([
    ['', '', 'expression'],
    ['hello', '', 'expression'],
    ['* * * *', '', 'expression'],
    ['* * * * * * *', '', 'expression'],
    ['60 * * * *', '', 'expression'],
    ['* 24 * * *', '', 'expression'],
    ['* * 32 * *', '', 'expression'],
    ['* * * 13 *', '', 'expression'],
    ['* * * * 8', '', 'expression'],
    ['*/0 * * * *', '', 'expression'],
    ['5-1 * * * *', '', 'expression'],
    ['@reboot', '', 'expression'],
    [`${'1,'.repeat(80)}1 * * * *`, '', 'expression'],
    ['* * * * *', 'Mars/Olympus', 'time_zone'],
    ['* * * * *', '+02:00', 'time_zone'],
    ['* * * * *', 'x'.repeat(65), 'time_zone'],
  ])('%j in %j', (expression, zone, field) => {
    expect(() => CronSchedule.parse(expression, zone, 'entry.')).toThrowError(
      expect.objectContaining({
        reason: 'CRON_INVALID',
        field: `entry.${field}`,
        message: expect.stringMatching(/takes/),
      }),
    );
  });
});
