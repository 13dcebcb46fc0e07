import type { Channel, ChannelId } from '../../model/channel.js';
import { isPattern, matches } from '../../model/topic.js';

const NONE: readonly ChannelId[] = [];
/** Topics whose routes are remembered; past it the memory starts anew. */
const MAX_REMEMBERED = 50_000;

/** Which channels want a topic. */
export class Routes {
  readonly #channels = new Map<ChannelId, Channel>();
  readonly #exact = new Map<string, ChannelId[]>();
  readonly #patterns: Channel[] = [];
  readonly #remembered = new Map<string, readonly ChannelId[]>();

  get(id: ChannelId): Channel | undefined {
    return this.#channels.get(id);
  }

  add(channel: Channel): void {
    if (this.#channels.has(channel.id)) return;
    this.#channels.set(channel.id, channel);
    if (isPattern(channel.topic)) this.#patterns.push(channel);
    else this.#exact.set(channel.topic, [...(this.#exact.get(channel.topic) ?? []), channel.id]);
    this.#remembered.clear();
  }

  remove(id: ChannelId): void {
    const channel = this.#channels.get(id);
    if (channel === undefined) return;
    this.#channels.delete(id);
    const pattern = this.#patterns.indexOf(channel);
    if (pattern >= 0) this.#patterns.splice(pattern, 1);
    const others = (this.#exact.get(channel.topic) ?? []).filter((other) => other !== id);
    if (others.length > 0) this.#exact.set(channel.topic, others);
    else this.#exact.delete(channel.topic);
    this.#remembered.clear();
  }

  of(topic: string): readonly ChannelId[] {
    // A topic that no pattern can match needs no memory of its own.
    if (this.#patterns.length === 0) return this.#exact.get(topic) ?? NONE;
    const known = this.#remembered.get(topic);
    if (known !== undefined) return known;
    const found = [...(this.#exact.get(topic) ?? NONE)];
    for (const { id, topic: pattern } of this.#patterns) if (matches(pattern, topic)) found.push(id);
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(topic, found);
    return found;
  }
}
