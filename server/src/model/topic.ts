import { BusError } from './errors.js';

export const MAX_TOPIC_LENGTH = 128;
export const MAX_CHANNEL_LENGTH = 64;

const NAME = /^[A-Za-z0-9._:@-]+$/;
const PATTERN = /^[A-Za-z0-9._:@*#-]+$/;

const NAME_LIMIT = 'characters of A-Z a-z 0-9 . _ : @ -';

/** Throws TOPIC_INVALID unless `topic` can be published to. */
export function checkTopic(topic: string, field: string): void {
  if (topic.length > 0 && topic.length <= MAX_TOPIC_LENGTH && NAME.test(topic)) return;
  throw nameError('TOPIC_INVALID', topic, field, MAX_TOPIC_LENGTH, NAME_LIMIT);
}

/** Throws CHANNEL_INVALID unless `channel` can name a channel. */
export function checkChannel(channel: string, field: string): void {
  if (channel.length > 0 && channel.length <= MAX_CHANNEL_LENGTH && NAME.test(channel)) return;
  throw nameError('CHANNEL_INVALID', channel, field, MAX_CHANNEL_LENGTH, NAME_LIMIT);
}

/** Throws TOPIC_INVALID unless a channel can subscribe to `pattern`: a topic, or words parted by dots with `*` and `#` standing alone. */
export function checkPattern(pattern: string, field: string): void {
  const limit = `${NAME_LIMIT}, and * (one word) or # (any words) as whole words`;
  if (pattern.length === 0 || pattern.length > MAX_TOPIC_LENGTH || !PATTERN.test(pattern)) {
    throw nameError('TOPIC_INVALID', pattern, field, MAX_TOPIC_LENGTH, limit);
  }
  for (const word of pattern.split('.')) {
    if (word.length > 1 && /[*#]/.test(word)) {
      throw new BusError('TOPIC_INVALID', `${field}: the word "${word}" mixes * or # with other characters`, {
        field,
        limit,
      });
    }
  }
}

/** Whether a text of up to `max` characters can name something as a channel is named. */
export function isName(name: string, max: number): boolean {
  return name.length > 0 && name.length <= max && NAME.test(name);
}

export function isPattern(topic: string): boolean {
  return topic.includes('*') || topic.includes('#');
}

/** Whether a topic matches a pattern, by AMQP's rule: `*` is one word, `#` is none or more. */
export function matches(pattern: string, topic: string): boolean {
  return isPattern(pattern) ? takes(pattern.split('.'), topic.split('.')) : pattern === topic;
}

/**
 * Whether a pattern matches every topic that `other`, a topic or a pattern, matches. It never says yes where it does not, and
 * says no where only several words of both, weighed together, would show that it does.
 */
export function covers(pattern: string, other: string): boolean {
  if (!isPattern(other)) return matches(pattern, other);
  return isPattern(pattern) && takes(plain(pattern), plain(other));
}

/** The words of a pattern, where `#.*`, `*.#` and `#.#`, which are written in several ways, are written in one. */
function plain(pattern: string): string[] {
  const words: string[] = [];
  let any = false;
  for (const word of pattern.split('.')) {
    if (word === '#') any = true;
    else {
      if (any && word !== '*') {
        words.push('#');
        any = false;
      }
      words.push(word);
    }
  }
  if (any) words.push('#');
  return words;
}

/** One pass a word keeps hostile patterns as fast as others. A `#` among the words is taken by a `#` alone. */
function takes(pattern: readonly string[], words: readonly string[]): boolean {
  // reached[n]: the pattern so far matches the first n words.
  let reached: boolean[] = words.map(() => false);
  reached.unshift(true);
  for (const part of pattern) {
    const next: boolean[] = [part === '#' && reached[0] === true];
    for (let n = 1; n <= words.length; n++) {
      const word = words[n - 1];
      next[n] =
        part === '#'
          ? reached[n] === true || next[n - 1] === true
          : reached[n - 1] === true && (part === word || (part === '*' && word !== '#'));
    }
    reached = next;
  }
  return reached[words.length] === true;
}

function nameError(
  reason: 'TOPIC_INVALID' | 'CHANNEL_INVALID',
  name: string,
  field: string,
  max: number,
  limit: string,
) {
  const what =
    name.length === 0 ? 'is empty' : name.length > max ? `has ${name.length} characters` : 'has other characters';
  return new BusError(reason, `${field} ${what}: it takes 1 to ${max} ${limit}`, {
    field,
    limit: `1 to ${max} ${limit}`,
  });
}
