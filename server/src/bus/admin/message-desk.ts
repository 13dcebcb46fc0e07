import { attemptNumber } from '../../model/attempt.js';
import type { Channel, ChannelId } from '../../model/channel.js';
import { BusError } from '../../model/errors.js';
import type { SearchTerm } from '../../model/search-term.js';
import { isPattern, matches } from '../../model/topic.js';
import {
  type AttemptView,
  fits,
  type Inspector,
  type Place,
  type RecordView,
  type ViewState,
} from '../../ports/inspector.js';
import type { RecordState } from '../../ports/ledger.js';
import type { Page, PageAsk } from '../../ports/page.js';
import type { Bus } from '../bus.js';
import { pageByPlace } from './named-page.js';
import { EVERYTHING, idsSeen, inSight, type Sight } from './sight.js';

export interface MessageFilter {
  /** Empty: any; so with topic and channel. */
  readonly id: string;
  /** Instead of an id. */
  readonly term: SearchTerm | undefined;
  readonly topic: string;
  readonly channel: string;
  /** None: all. Without an id and a term, `parked` is by itself, with a topic, and `delayed` is none of them. */
  readonly states: readonly ViewState[];
  readonly after: number;
  readonly before: number;
}

/** A record, and the channel that it is of; undefined: the topic itself, or a channel that was deleted. */
export interface NamedRecord {
  readonly record: RecordView;
  readonly channel: Channel | undefined;
}

export interface MessageView {
  readonly id: string;
  readonly topic: string;
  readonly wire: Uint8Array | undefined;
  readonly timelines: readonly TimelineView[];
}

export interface TimelineView extends NamedRecord {
  readonly attempts: readonly AttemptView[];
  /** The ledger holds a copy of the message for it. */
  readonly held: boolean;
}

/** Whose copy of a message is asked for. */
export interface Whose {
  /** A channel's name; empty: anybody's. */
  readonly channel: string;
  /** The topic or pattern of the channel; empty: the message's. */
  readonly channelTopic: string;
}

interface Parts {
  readonly bus: Bus;
  readonly inspector: Inspector;
}

interface Look {
  readonly filter: MessageFilter;
  /** Those in sight. */
  readonly channels: readonly Channel[];
  readonly sight: Sight;
  readonly ask: PageAsk;
}

/** Pairs of topic and channel that are looked at for one id. */
const MAX_PLACES = 20_000;
const RECORD_STATES: readonly RecordState[] = [
  'delivered',
  'leased',
  'returned',
  'retry',
  'acked',
  'dead',
  'expired',
  'cancelled',
  'purged',
];

/** Finds messages in the ledger. */
export class MessageDesk {
  constructor(private readonly parts: Parts) {}

  async find(filter: MessageFilter, ask: PageAsk, sight: Sight): Promise<Page<NamedRecord>> {
    const channels = inSight(await this.parts.bus.channels.all(), sight);
    const { rows, next } = await this.#page({ filter, channels, sight, ask });
    return { rows: rows.map((record) => named(record, channels)), next };
  }

  /** Throws MESSAGE_NOT_FOUND, and MESSAGE_AMBIGUOUS for an id that several topics have. */
  async get(topic: string, id: string, whose: Whose, sight: Sight): Promise<MessageView> {
    const channels = inSight(await this.parts.bus.channels.all(), sight);
    const records = await this.parts.inspector.recordsAt(id, await this.#places(topic, channels, sight));
    const topics = [...new Set(records.map((record) => record.topic))];
    const [only] = topics;
    if (only === undefined) {
      const words = 'a message that waits in a queue, and was never handed out, has no record yet';
      throw new BusError('MESSAGE_NOT_FOUND', `the ledger has no record of message "${id}": ${words}`);
    }
    if (topics.length > 1) {
      const some = topics.slice(0, 5).map((name) => `"${name}"`);
      const words = `${topics.length} topics have a message "${id}": ${some.join(', ')}; name one`;
      throw new BusError('MESSAGE_AMBIGUOUS', words, { field: 'topic' });
    }
    const ids = records.map(({ channel }) => channel);
    const held = await this.parts.inspector.holders(only, id, ids);
    const asked = whose.channel === '' ? held : held.filter((channel) => isOf(channels, channel, whose, only));
    const sorted = records.toSorted((a, b) => a.channel - b.channel);
    return {
      id,
      topic: only,
      wire: asked[0] === undefined ? undefined : await this.parts.inspector.wire(only, id, asked[0]),
      timelines: await Promise.all(
        sorted.map(async (record) => ({
          ...named(record, channels),
          held: held.includes(record.channel),
          attempts: withLast(record, await this.parts.inspector.attempts(record.channel, only, id)),
        })),
      ),
    };
  }

  #page(look: Look): Promise<Page<RecordView>> {
    const { filter, channels, sight, ask } = look;
    const { id, term, topic, states, after, before } = filter;
    if (id !== '') return this.#byId(look);
    if (term === undefined) return states.includes('parked') ? this.#parked(look) : this.#byTime(look);
    const wanted = {
      topic: topic === '' ? undefined : topic,
      channels: idsSeen(channels, filter, sight),
      states,
      after,
      before,
    };
    return this.parts.inspector.recordsBy(term, wanted, ask);
  }

  #byTime({ filter, channels, sight, ask }: Look): Promise<Page<RecordView>> {
    const states = filter.states.filter(isRecordState);
    return this.parts.inspector.records(
      {
        states: states.length === 0 ? RECORD_STATES : states,
        topic: filter.topic === '' ? undefined : filter.topic,
        channels: idsSeen(channels, filter, sight),
        after: filter.after,
        before: filter.before,
      },
      ask,
    );
  }

  /** What is parked is no channel's, and has no time at which it ended. */
  async #parked({ filter, sight, ask }: Look): Promise<Page<RecordView>> {
    const { topic, channel, after } = filter;
    if (!sight.topic(topic) || channel !== '' || after > 0) return { rows: [], next: undefined };
    return this.parts.inspector.parked(topic, ask);
  }

  async #byId({ filter, channels, sight, ask }: Look): Promise<Page<RecordView>> {
    const { id, topic, channel, states, after, before } = filter;
    const fitting = { topic: undefined, channels: undefined, states, after, before };
    const wanted = new Set(idsSeen(channels, { topic, channel }, EVERYTHING));
    const places = (await this.#places(topic, channels, sight)).filter(
      (place) => channel === '' || (isChannel(place.channel) && wanted.has(place.channel)),
    );
    const found = await this.parts.inspector.recordsAt(id, places);
    const records = found.filter((record) => fits(fitting, record));
    const sorted = records.toSorted((a, b) =>
      a.topic === b.topic ? a.channel - b.channel : a.topic < b.topic ? -1 : 1,
    );
    return pageByPlace(sorted, ask);
  }

  /** Where a message of the topic may have a record; of any topic when it is empty. */
  async #places(topic: string, channels: readonly Channel[], sight: Sight): Promise<Place[]> {
    const topics = (topic === '' ? await this.#topics(channels) : [topic]).filter((name) => sight.topic(name));
    const patterns = channels.filter((channel) => isPattern(channel.topic));
    const exact = new Map<string, ChannelId[]>();
    for (const { id, topic: name } of channels) exact.set(name, [...(exact.get(name) ?? []), id]);
    const places: Place[] = [];
    for (const name of topics) {
      places.push({ channel: 0, topic: name });
      for (const channel of exact.get(name) ?? []) places.push({ channel, topic: name });
      for (const pattern of patterns)
        if (matches(pattern.topic, name)) places.push({ channel: pattern.id, topic: name });
      if (places.length > MAX_PLACES) throw tooMany();
    }
    return places;
  }

  async #topics(channels: readonly Channel[]): Promise<string[]> {
    const names = await this.parts.inspector.topics(MAX_PLACES + 1);
    const exact = channels.map((channel) => channel.topic).filter((name) => !isPattern(name));
    return [...new Set([...names, ...exact])];
  }
}

export function named(record: RecordView, channels: readonly Channel[]): NamedRecord {
  return { record, channel: channels.find(({ id }) => id === record.channel) };
}

function isOf(
  channels: readonly Channel[],
  id: ChannelId | 0,
  { channel, channelTopic }: Whose,
  topic: string,
): boolean {
  const found = channels.find((one) => one.id === id);
  return found?.name === channel && found.topic === (channelTopic === '' ? topic : channelTopic);
}

/** The history has how attempts failed; the record, what became of the last one. */
function withLast(record: RecordView, attempts: readonly AttemptView[]): AttemptView[] {
  const last = attempts.at(-1);
  const { state, attempt, consumer, deliveredAt, settledAt, reason, node } = record;
  if (state === 'delayed' || state === 'parked' || state === 'cancelled') return [...attempts];
  const told = last !== undefined && last.attempt === attempt && (last.outcome === state || state === 'retry');
  if (told || (state === 'retry' && attemptNumber(attempt) === 0)) return [...attempts];
  if (state === 'returned' && attemptNumber(attempt) === 0) return [...attempts];
  return [...attempts, { attempt, outcome: state, consumer, deliveredAt, settledAt, reason, node }];
}

function isChannel(id: ChannelId | 0): id is ChannelId {
  return id !== 0;
}

function isRecordState(state: ViewState): state is RecordState {
  return state !== 'delayed' && state !== 'parked';
}

function tooMany(): BusError {
  const limit = `a topic, where there are more than ${MAX_PLACES} pairs of topic and channel`;
  return new BusError('QUERY_INVALID', `topic takes ${limit}`, { field: 'topic', limit });
}
