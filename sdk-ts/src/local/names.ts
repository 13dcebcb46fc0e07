import { InvalidArgumentError } from '../errors.js';

const MAX_TOPIC_LENGTH = 128;
const MAX_CHANNEL_LENGTH = 64;
const MAX_LOCK_LENGTH = 128;
const NAME = /^[A-Za-z0-9._:@-]+$/;
const PATTERN = /^[A-Za-z0-9._:@*#-]+$/;
const NAME_LIMIT = 'characters of A-Z a-z 0-9 . _ : @ -';

/** Throws InvalidArgumentError unless it can be published to. */
export function checkTopic(topic: string): void {
  if (isName(topic, MAX_TOPIC_LENGTH, NAME)) return;
  throw nameError('TOPIC_INVALID', 'topic', topic, `1 to ${MAX_TOPIC_LENGTH} ${NAME_LIMIT}`);
}

/** Throws InvalidArgumentError unless it can name a channel. */
export function checkChannel(channel: string): void {
  if (isName(channel, MAX_CHANNEL_LENGTH, NAME)) return;
  throw nameError('CHANNEL_INVALID', 'channel', channel, `1 to ${MAX_CHANNEL_LENGTH} ${NAME_LIMIT}`);
}

/** Throws InvalidArgumentError unless it is a topic, or words parted by dots of which some are `*` or `#`. */
export function checkPattern(pattern: string): void {
  const words = isName(pattern, MAX_TOPIC_LENGTH, PATTERN) ? pattern.split('.') : [];
  if (words.length > 0 && words.every((word) => word.length <= 1 || !/[*#]/.test(word))) return;
  const limit = `1 to ${MAX_TOPIC_LENGTH} ${NAME_LIMIT}, and * (one word) or # (any words) as whole words`;
  throw nameError('TOPIC_INVALID', 'topic', pattern, limit);
}

/** Throws InvalidArgumentError unless it can name a lock. */
export function checkLockName(name: string): void {
  if (isName(name, MAX_LOCK_LENGTH, NAME)) return;
  throw nameError('LOCK_INVALID', 'name', name, `1 to ${MAX_LOCK_LENGTH} ${NAME_LIMIT}`);
}

export function isPattern(topic: string): boolean {
  return topic.includes('*') || topic.includes('#');
}

/** Whether a topic is the one, or one of those, that a channel subscribes to. */
export function fits(subscribed: string, topic: string): boolean {
  return subscribed === topic || (isPattern(subscribed) && matches(subscribed, topic));
}

/** Whether a topic matches a pattern, by AMQP's rule: `*` is one word, `#` is none or more. */
export function matches(pattern: string, topic: string): boolean {
  const words = topic.split('.');
  // reached[n]: the parts so far match the first n words.
  let reached = [true, ...words.map(() => false)];
  for (const part of pattern.split('.')) {
    const next = [part === '#' && reached[0] === true];
    for (let n = 1; n <= words.length; n++) {
      const word = reached[n - 1] === true && (part === '*' || part === words[n - 1]);
      next[n] = part === '#' ? reached[n] === true || next[n - 1] === true : word;
    }
    reached = next;
  }
  return reached[words.length] === true;
}

function isName(name: unknown, max: number, characters: RegExp): name is string {
  return typeof name === 'string' && name.length > 0 && name.length <= max && characters.test(name);
}

function nameError(reason: string, field: string, name: unknown, limit: string): InvalidArgumentError {
  return new InvalidArgumentError(`${field} is ${JSON.stringify(name)}: it takes ${limit}`, {
    code: 'INVALID_ARGUMENT',
    reason,
    field,
    limit,
  });
}
