import type { Channel } from '../../model/channel.js';
import type { Page, PageAsk } from '../../ports/page.js';

/** A page of what is sorted by its name, and no two have the same. */
export function pageOf<T>(sorted: readonly T[], { limit, from }: PageAsk, nameOf: (item: T) => string): Page<T> {
  const rest = from === undefined ? sorted : sorted.filter((item) => nameOf(item) > from.id);
  const rows = rest.slice(0, limit);
  const last = rows.at(-1);
  const more = rest.length > limit && last !== undefined;
  return { rows, next: more ? { time: 0, channel: 0, topic: 0, id: nameOf(last) } : undefined };
}

/** The same where the order tells no two apart: by the place in the list as it is at that moment. */
export function pageByPlace<T>(sorted: readonly T[], { limit, from }: PageAsk): Page<T> {
  const begin = from?.time ?? 0;
  const end = begin + limit;
  const next = end < sorted.length ? { time: end, channel: 0, topic: 0, id: '' } : undefined;
  return { rows: sorted.slice(begin, end), next };
}

export function channelName({ topic, name }: Channel): string {
  return `${topic}/${name}`;
}

/** By topic and name, as `channelName` has them. */
export function byName(a: Channel, b: Channel): number {
  return channelName(a) < channelName(b) ? -1 : 1;
}
