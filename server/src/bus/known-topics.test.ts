import { expect, test } from 'vitest';
import { KnownTopics } from './known-topics.js';

const HOUR_MS = 3_600_000;

test('one topic too many is refused, and names the config key', () => {
  const topics = new KnownTopics(2);
  topics.check('a', 'topic', HOUR_MS);
  topics.check('b', 'topic', HOUR_MS);
  expect(() => topics.check('c', 'topic', HOUR_MS)).toThrow(
    expect.objectContaining({
      reason: 'OVERLOADED',
      limit: '2 topics that were published to lately (config MaxTopics)',
    }),
  );
  topics.check('a', 'topic', HOUR_MS);
});

test('topics that are not published to any more make room for others', () => {
  const topics = new KnownTopics(2);
  topics.check('a', 'topic', HOUR_MS);
  topics.check('b', 'topic', HOUR_MS);
  topics.check('a', 'topic', 2 * HOUR_MS);
  expect(() => topics.check('c', 'topic', 2 * HOUR_MS)).toThrow('MaxTopics');
  topics.check('a', 'topic', 3 * HOUR_MS);
  topics.check('c', 'topic', 3 * HOUR_MS);
  expect(topics.size).toBe(2);
});

test('what is no topic is never remembered', () => {
  const topics = new KnownTopics(2);
  for (let tries = 0; tries < 2; tries++) {
    expect(() => topics.check('a b', 'messages[0].topic', HOUR_MS)).toThrow(
      expect.objectContaining({ reason: 'TOPIC_INVALID', field: 'messages[0].topic' }),
    );
  }
  expect(topics.size).toBe(0);
});
