import { describe, expect, test } from 'vitest';
import { Random } from '../fixture/random.js';
import { BusError } from './errors.js';
import { checkChannel, checkPattern, checkTopic, covers, isPattern, matches } from './topic.js';

/** AMQP's rule in its plainest words, as slow as it likes. */
function naive(pattern: readonly string[], topic: readonly string[]): boolean {
  const [word, ...rest] = pattern;
  if (word === undefined) return topic.length === 0;
  if (word === '#') return naive(rest, topic) || (topic.length > 0 && naive(pattern, topic.slice(1)));
  return topic.length > 0 && (word === '*' || word === topic[0]) && naive(rest, topic.slice(1));
}

function faultOf(check: () => void): BusError | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof BusError) return error;
    throw error;
  }
}

describe('a name', () => {
  test.each([['a', 'orders.created', 'A-Z_0-9:@-.', '.', 'a..b', 'x'.repeat(128)]])(
    'of a topic may be "%s" and the like',
    (...names) => {
      for (const name of names) expect(faultOf(() => checkTopic(name, 'topic'))).toBeUndefined();
    },
  );

  test.each(['', 'x'.repeat(129), 'a b', 'a/b', 'ä', 'a\n', 'a*', '#', 'a\0'])('of a topic may not be "%s"', (name) => {
    const fault = faultOf(() => checkTopic(name, 'messages[3].topic'));
    expect(fault?.reason).toBe('TOPIC_INVALID');
    expect(fault?.field).toBe('messages[3].topic');
    expect(fault?.limit).toBe('1 to 128 characters of A-Z a-z 0-9 . _ : @ -');
  });

  test('of a channel has 1 to 64 characters', () => {
    expect(faultOf(() => checkChannel('c'.repeat(64), 'channel'))).toBeUndefined();
    for (const name of ['', 'c'.repeat(65), 'a*', 'a/b']) {
      expect(faultOf(() => checkChannel(name, 'channel'))?.reason).toBe('CHANNEL_INVALID');
    }
  });

  test('that is wrong is told in how it is wrong', () => {
    expect(faultOf(() => checkTopic('', 'topic'))?.message).toContain('topic is empty');
    expect(faultOf(() => checkTopic('x'.repeat(200), 'topic'))?.message).toContain('has 200 characters');
    expect(faultOf(() => checkTopic('a b', 'topic'))?.message).toContain('has other characters');
  });
});

describe('a pattern', () => {
  test.each(['orders', '#', '*', 'orders.*', '*.created', 'audit.#', '#.#', 'a.*.#.b', '.', '*..#'])(
    'may be %s',
    (pattern) => {
      expect(faultOf(() => checkPattern(pattern, 'topic'))).toBeUndefined();
    },
  );

  test.each(['', 'a*', '*a.b', 'a.##', '**', '#*', 'a b.*', `${'a.'.repeat(64)}*`])('may not be %s', (pattern) => {
    expect(faultOf(() => checkPattern(pattern, 'topic'))?.reason).toBe('TOPIC_INVALID');
  });

  test.each([
    ['orders', false],
    ['orders.*', true],
    ['#', true],
  ])('is told from a topic: %s', (name, expected) => {
    expect(isPattern(name)).toBe(expected);
  });
});

describe('matching', () => {
  test.each([
    ['orders', 'orders', true],
    ['orders', 'orders.created', false],
    ['orders.*', 'orders.created', true],
    ['orders.*', 'orders', false],
    ['orders.*', 'orders.created.eu', false],
    ['orders.#', 'orders', true],
    ['orders.#', 'orders.created.eu', true],
    ['#.eu', 'eu', true],
    ['#.eu', 'orders.eu.us', false],
    ['*.*', 'a.', true],
    ['*', 'a.b', false],
    ['#', 'a.b.c', true],
    ['a.#.b.#.c', 'a.b.x.b.c', true],
    ['#.#.*', 'a', true],
  ])('%s with %s: %s', (pattern, topic, expected) => {
    expect(matches(pattern, topic)).toBe(expected);
  });

  test('agrees with the rule in its plainest words on generated cases', () => {
    const random = new Random(1);
    for (let i = 0; i < 20_000; i++) {
      const pattern = Array.from({ length: 1 + random.below(6) }, () => random.pick(['a', 'b', '', '*', '#'])).join(
        '.',
      );
      const topic = Array.from({ length: 1 + random.below(7) }, () => random.pick(['a', 'b', ''])).join('.');
      const expected = naive(pattern.split('.'), topic.split('.'));
      expect(matches(pattern, topic), `${pattern} with ${topic}`).toBe(expected);
    }
  });

  test.each([
    ['orders', 'orders', true],
    ['orders.*', 'orders.created', true],
    ['orders.*', 'orders.*', true],
    ['orders.#', 'orders.*', true],
    ['orders.#', 'orders.#.x.*', true],
    ['#', '#.*.#', true],
    ['*.#', '#.*', true],
    ['#.*', '*.#', true],
    ['#.#', '#', true],
    ['*', '#', false],
    ['orders.*', 'orders.#', false],
    ['orders.*', '*.created', false],
    ['orders.*', '#', false],
    ['orders', 'orders.#', false],
    ['orders', '*', false],
    ['*.*', '*.#', false],
    ['a.*.#', 'a.#', false],
    ['#.a.#', '#.a', true],
    ['#.a', '#.a.#', false],
  ])('%s covers %s: %s', (pattern, other, expected) => {
    expect(covers(pattern, other)).toBe(expected);
  });

  test('of all that another pattern matches is never claimed wrongly', () => {
    const random = new Random(3);
    const some = (words: readonly [string, ...string[]], most: number) =>
      Array.from({ length: 1 + random.below(most) }, () => random.pick(words)).join('.');
    let covered = 0;
    for (let i = 0; i < 20_000; i++) {
      const [pattern, other, topic] = [
        some(['a', 'b', '*', '#'], 5),
        some(['a', 'b', '*', '#'], 5),
        some(['a', 'b', 'c'], 6),
      ];
      if (!covers(pattern, other)) continue;
      covered++;
      if (matches(other, topic)) expect(matches(pattern, topic), `${pattern} covers ${other}, not ${topic}`).toBe(true);
    }
    expect(covered).toBeGreaterThan(1_000);
  });

  test('takes many # in a row as one', () => {
    expect(matches(Array(64).fill('#').join('.'), Array(64).fill('a').join('.'))).toBe(true);
    expect(matches(`${'#.'.repeat(60)}b`, Array(64).fill('a').join('.'))).toBe(false);
  });
});
