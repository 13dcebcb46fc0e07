import { isDeepStrictEqual } from 'node:util';
import type { Channel, ChannelId } from '../model/channel.js';
import type { RetryPolicy } from '../model/retry-policy.js';
import { isPattern, matches } from '../model/topic.js';
import type { Broker } from '../ports/broker.js';
import type { Ledger } from '../ports/ledger.js';
import { overLimit } from './limit.js';

/** How long a first subscriber waits for a broker that is away. */
const DECLARE_TIMEOUT_MS = 10_000;
/** The shortest time between two looks for an unknown channel. */
const LOOK_MS = 20;

/** The channels that this gateway knows: each is in the ledger, and has its queue. */
export class Channels {
  readonly #open = new Map<string, Promise<Channel>>();
  readonly #byId = new Map<ChannelId, Channel>();
  readonly #paused = new Set<(channel: Channel) => void>();
  readonly #gone = new Set<(channel: Channel) => void>();
  #looking: Promise<void> | undefined;
  /** Channels that were asked for in vain: there are as many as may be. */
  refused = 0;

  constructor(
    private readonly broker: Broker,
    private readonly ledger: Ledger,
    private readonly defaultRetry: RetryPolicy,
    /** A channel's queue exists from now on. */
    private readonly declared: (channel: Channel) => void,
    /** Config `MaxChannels`. */
    private readonly most = Number.POSITIVE_INFINITY,
  ) {}

  /** Makes the channel on first use. A policy that is given replaces its own. */
  async open(topic: string, name: string, retry: RetryPolicy | undefined): Promise<Channel> {
    const key = `${topic}/${name}`;
    const known = await this.#open.get(key)?.catch(() => undefined);
    if (known !== undefined && (retry === undefined || isDeepStrictEqual(this.#latest(known).retry, retry)))
      return known;
    const opening = this.#declare(topic, name, retry);
    this.#open.set(key, opening);
    opening.catch(() => {
      if (this.#open.get(key) === opening) this.#open.delete(key);
    });
    return opening;
  }

  /** The channel with this id, wherever it was made; undefined when there is none. */
  async find(id: ChannelId): Promise<Channel | undefined> {
    if (!this.#byId.has(id)) await this.#look();
    return this.#byId.get(id);
  }

  /** Receipts that nobody gave out name channels that nobody made: they must not make the ledger busy. */
  #look(): Promise<void> {
    this.#looking ??= this.refresh(true).finally(() => {
      setTimeout(() => {
        this.#looking = undefined;
      }, LOOK_MS).unref();
    });
    return this.#looking;
  }

  /** Learns of the channels and policies that other gateways made. */
  async refresh(fresh = false): Promise<void> {
    const listed = await this.#list(fresh);
    const missing = [...this.#byId.values()].filter(({ id }) => !listed.has(id));
    if (missing.length === 0) return;
    // One that was made while the list was read is in the next.
    const again = await this.#list(true);
    for (const channel of missing) if (!again.has(channel.id)) this.drop(channel);
  }

  /** Calls the listener when a channel is paused or resumed, by whatever gateway. */
  onPaused(listener: (channel: Channel) => void): void {
    this.#paused.add(listener);
  }

  /** Calls the listener when a channel that was known here was deleted, by whatever gateway. */
  onGone(listener: (channel: Channel) => void): void {
    this.#gone.add(listener);
  }

  isPaused(channel: Channel): boolean {
    return this.#latest(channel).paused === true;
  }

  /** The channel with this id, if it is known here. */
  known(id: ChannelId): Channel | undefined {
    return this.#byId.get(id);
  }

  /** Every channel, as the ledger has it now. */
  async all(): Promise<readonly Channel[]> {
    await this.refresh(true);
    return this.ledger.channels();
  }

  /** It was deleted. */
  drop(channel: Channel): void {
    this.#open.delete(`${channel.topic}/${channel.name}`);
    const known = this.#byId.get(channel.id);
    if (known === undefined) return;
    this.#byId.delete(channel.id);
    // Made again, it is under the same id and not paused.
    if (known.paused === true) for (const listener of this.#paused) listener({ ...known, paused: false });
    for (const listener of this.#gone) listener(channel);
  }

  async #list(fresh: boolean): Promise<Set<ChannelId>> {
    const channels = await this.ledger.channels(fresh);
    for (const channel of channels) this.#learn(channel);
    return new Set(channels.map(({ id }) => id));
  }

  #learn(channel: Channel): void {
    const before = this.#byId.get(channel.id)?.paused === true;
    this.#byId.set(channel.id, channel);
    if (before !== (channel.paused === true)) for (const listener of this.#paused) listener(channel);
  }

  /** Those of the topics that some channel, on any gateway, wants. */
  async wanted(topics: readonly string[]): Promise<string[]> {
    const channels = await this.ledger.channels();
    const exact = new Set(channels.map(({ topic }) => topic));
    const patterns = channels.map(({ topic }) => topic).filter(isPattern);
    return topics.filter((topic) => exact.has(topic) || patterns.some((pattern) => matches(pattern, topic)));
  }

  retryPolicy(channel: Channel): RetryPolicy {
    return this.#latest(channel).retry ?? this.defaultRetry;
  }

  #latest(channel: Channel): Channel {
    return this.#byId.get(channel.id) ?? channel;
  }

  async #declare(topic: string, name: string, retry: RetryPolicy | undefined): Promise<Channel> {
    await this.#checkRoom(topic, name);
    const channel = await this.ledger.channel(topic, name, retry);
    await this.broker.declare(channel, AbortSignal.timeout(DECLARE_TIMEOUT_MS));
    this.#learn(channel);
    this.declared(channel);
    return channel;
  }

  /** Throws OVERLOADED when the channel would be one too many. Calls of the same moment may pass together. */
  async #checkRoom(topic: string, name: string): Promise<void> {
    if (this.most === Number.POSITIVE_INFINITY) return;
    const channels = await this.ledger.channels();
    if (channels.length < this.most) return;
    if (channels.some((channel) => channel.topic === topic && channel.name === name)) return;
    this.refused++;
    throw overLimit('channels', 'MaxChannels', this.most);
  }
}
