import { BusError } from '../../model/errors.js';
import { checkPattern, isPattern, MAX_CHANNEL_LENGTH } from '../../model/topic.js';
import { type Grant, type Grants, NO_GRANTS, RIGHTS, type Right } from './permissions.js';

/** Reads `orders.*`, or `orders.*` with `/` and a pattern of channels. Throws a BusError in words that follow the place. */
export function parseGrant(right: Right, text: string): Grant {
  const [topic = '', channel, ...rest] = text.split('/');
  if (rest.length > 0) throw new BusError('TOPIC_INVALID', `"${text}" has more than one /`);
  checkPattern(topic, `the topic of "${text}"`);
  if (channel === undefined) return { topic, channel: '#' };
  if (right === 'publish' || right === 'locks') {
    throw new BusError('TOPIC_INVALID', `"${text}" names a channel, which "${right}" does not take`);
  }
  checkPattern(channel, `the channel of "${text}"`);
  if (!isPattern(channel) && channel.length > MAX_CHANNEL_LENGTH) {
    throw new BusError('CHANNEL_INVALID', `the channel of "${text}" has more than ${MAX_CHANNEL_LENGTH} characters`);
  }
  return { topic, channel };
}

/** Reads lists of patterns by right, as a file or a claim holds them. `report` is told of each fault; what else is there stays out. */
export function readGrants(from: Readonly<Record<string, unknown>>, report: (fault: string) => void): Grants {
  const grants: Record<Right, readonly Grant[]> = { ...NO_GRANTS };
  for (const right of RIGHTS) {
    const value = from[right];
    if (value === undefined || value === null) continue;
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    grants[right] = list.flatMap((text) => {
      if (typeof text !== 'string') {
        report(`${right} takes patterns, such as orders.*`);
        return [];
      }
      try {
        return [parseGrant(right, text)];
      } catch (error) {
        report(`${right}: ${BusError.from(error).message}`);
        return [];
      }
    });
  }
  return grants;
}
