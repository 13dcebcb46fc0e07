import type { RetryOptions } from '../consumer/retry-options.js';
import { Channel, type ChannelLimits, type ChannelParts } from './channel.js';
import { checkChannel, checkPattern, checkTopic, fits, isPattern } from './names.js';
import { Parking, type ParkingPlace } from './parking.js';
import type { RetryPolicy } from './retry-policy.js';

/** Where the messages of a topic go. */
export interface Route extends ParkingPlace {
  readonly topic: string;
  readonly channels: Channel[];
}

/** Topics whose routes are remembered; past it, those that can be made again are forgotten. */
const MAX_REMEMBERED = 50_000;

/** All channels, and which of them want a topic. */
export class Topics {
  readonly parking: Parking;
  readonly #parts: ChannelParts;
  readonly #policy: RetryPolicy;
  readonly #limits: ChannelLimits;
  readonly #routes = new Map<string, Route>();
  readonly #channels = new Map<string, Channel>();

  constructor(parts: ChannelParts, policy: RetryPolicy, limits: ChannelLimits) {
    this.#parts = parts;
    this.#policy = policy;
    this.#limits = limits;
    this.parking = new Parking(limits.queueSize);
  }

  channels(): Channel[] {
    return [...this.#channels.values()];
  }

  /** Throws InvalidArgumentError for a name that no topic can have. */
  route(topic: string): Route {
    const known = this.#routes.get(topic);
    if (known !== undefined) return known;
    checkTopic(topic);
    if (this.#routes.size >= MAX_REMEMBERED) this.#forget();
    const channels = this.channels().filter((channel) => fits(channel.topic, topic));
    const route: Route = { topic, channels, parked: [] };
    this.#routes.set(topic, route);
    return route;
  }

  /** The channel, made on first use; the first of a topic gets what is parked there. Throws InvalidArgumentError. */
  channel(topic: string, name: string, retry: RetryOptions | undefined, limits: Partial<ChannelLimits>): Channel {
    checkPattern(topic);
    checkChannel(name);
    const key = `${topic}/${name}`;
    let channel = this.#channels.get(key);
    if (channel === undefined) {
      channel = new Channel(topic, name, this.#parts, this.#policy, this.#limits);
      if (retry !== undefined) channel.setRetry(retry);
      this.#channels.set(key, channel);
      this.#connect(channel);
    } else if (retry !== undefined) {
      channel.setRetry(retry);
    }
    channel.limit(limits);
    return channel;
  }

  /** Forgets a topic, its own channels and all that they hold. */
  remove(topic: string): void {
    const route = this.#routes.get(topic);
    if (route !== undefined) this.parking.take(route);
    this.#routes.delete(topic);
    for (const [key, channel] of this.#channels) if (channel.topic === topic) this.#channels.delete(key);
  }

  #connect(channel: Channel): void {
    if (!isPattern(channel.topic)) this.route(channel.topic);
    for (const route of this.#routes.values()) {
      if (route.channels.includes(channel) || !fits(channel.topic, route.topic)) continue;
      route.channels.push(channel);
    }
    for (const route of this.#routes.values()) {
      if (route.parked.length === 0 || !route.channels.includes(channel)) continue;
      for (const message of this.parking.take(route)) channel.put(message);
    }
  }

  #forget(): void {
    for (const [topic, { parked }] of this.#routes) if (parked.length === 0) this.#routes.delete(topic);
  }
}
