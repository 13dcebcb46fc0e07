import { expect, test } from 'vitest';
import { Patience } from './patience.js';

/** When the channel is replaced, if what waits longest was written at 1,000 and is looked at every 50 ms for a minute. */
function replacedAt(patience: Patience, meanwhile: (now: number) => void = () => {}): number | undefined {
  for (let now = 1_000; now <= 61_000; now += 50) {
    meanwhile(now);
    if (patience.lost(1_000, now) !== undefined) return now;
  }
  return undefined;
}

test('a channel that confirms nothing is replaced after 5 s', () => {
  expect(replacedAt(new Patience())).toBe(6_000);
});

test('one publish that is not confirmed while others are does not end the channel before 30 s', () => {
  const patience = new Patience();
  expect(replacedAt(patience, (now) => patience.confirmed(now))).toBe(31_000);
});

test('a channel that falls silent after it confirmed others is replaced 5 s after the last', () => {
  const patience = new Patience();
  const at = replacedAt(patience, (now) => {
    if (now <= 10_000) patience.confirmed(now);
  });
  expect(at).toBe(15_000);
});

test('each time in a row it is waited for a fifth longer, and up to 30 s, until something is confirmed', () => {
  const patience = new Patience();
  const waits: number[] = [];
  let writtenAt = 0;
  for (let round = 0; round < 12; round++) {
    let now = writtenAt;
    while (patience.lost(writtenAt, now) === undefined) now += 50;
    waits.push(now - writtenAt);
    writtenAt = now;
  }
  expect(waits.slice(0, 3)).toEqual([5_000, 6_000, 7_200]);
  expect(waits.at(-1)).toBe(30_000);
  patience.confirmed(writtenAt);
  expect(patience.lost(writtenAt, writtenAt + 5_000)).toBe('RabbitMQ confirms nothing');
});

test('an alarm is no silence: what was written before is waited for from its end on', () => {
  const patience = new Patience();
  patience.unblocked(50_000);
  expect(patience.lost(1_000, 54_950)).toBeUndefined();
  expect(patience.lost(1_000, 55_000)).toBe('RabbitMQ confirms nothing');
});
