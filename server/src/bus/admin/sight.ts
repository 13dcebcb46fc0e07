import type { Channel, ChannelId } from '../../model/channel.js';

/** What a caller may see of topics and channels, or change. What is out of sight is not there, in whatever is answered. */
export interface Sight {
  readonly everything: boolean;
  topic(name: string): boolean;
  channel(topic: string, name: string): boolean;
}

export const EVERYTHING: Sight = { everything: true, topic: () => true, channel: () => true };

/** Those channels that are in sight. */
export function inSight(channels: readonly Channel[], sight: Sight): readonly Channel[] {
  return sight.everything ? channels : channels.filter(({ topic, name }) => sight.channel(topic, name));
}

/**
 * The channels that a search with this topic and channel looks at; empty names are any. Undefined: all, the topics themselves (0),
 * and channels that were deleted. With a limited sight those last are left out, and topics are looked at only where one is named.
 */
export function idsSeen(
  channels: readonly Channel[],
  { topic, channel }: { readonly topic: string; readonly channel: string },
  sight: Sight,
): (ChannelId | 0)[] | undefined {
  if (sight.everything && channel === '') return undefined;
  const ids = inSight(channels, sight)
    .filter(({ name }) => channel === '' || name === channel)
    .map(({ id }) => id);
  return !sight.everything && channel === '' && topic !== '' && sight.topic(topic) ? [0, ...ids] : ids;
}
