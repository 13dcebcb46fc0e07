import type { ChannelId } from '../model/channel.js';
import type { SearchTerm } from '../model/search-term.js';
import type { RecordState } from './ledger.js';
import type { Page, PageAsk } from './page.js';

/**
 * Looks into what the ledger has on record. It changes nothing, and none of it is on the way of a message.
 *
 * Failure contract: what was committed before the call is seen. Rejects with LEDGER_UNAVAILABLE, at once, while the ledger is
 * away. Every answer comes by an index, and looks at a bounded number of its entries: a page may be short and yet have a next.
 */
export interface Inspector {
  /** By the time at which they came to their state, newest first. */
  records(filter: RecordFilter, ask: PageAsk): Promise<Page<RecordView>>;
  /** The records that there are of one id at these places, and what the schedule holds for the topic itself. */
  recordsAt(id: string, places: readonly Place[]): Promise<RecordView[]>;
  /** Those of messages that have this term, by the time at which the message was accepted, newest first; with what waits for its topic. */
  recordsBy(term: SearchTerm, filter: TermFilter, ask: PageAsk): Promise<Page<RecordView>>;
  /** What is parked for a topic, by the time at which it was accepted, newest first. */
  parked(topic: string, ask: PageAsk): Promise<Page<RecordView>>;
  /** How earlier attempts ended, in their order, and where a round began anew. */
  attempts(channel: ChannelId | 0, topic: string, id: string): Promise<AttemptView[]>;
  /** For which of these the ledger holds a copy of the message. */
  holders(topic: string, id: string, channels: readonly (ChannelId | 0)[]): Promise<(ChannelId | 0)[]>;
  /** That copy, encoded. */
  wire(topic: string, id: string, channel: ChannelId | 0): Promise<Uint8Array | undefined>;
  /** Names of topics that anything was ever recorded of, up to `limit`. */
  topics(limit: number): Promise<string[]>;
  /** Whether anything was ever recorded of the topic. */
  knowsTopic(topic: string): Promise<boolean>;
}

/** A channel (0: the topic itself), and a topic. */
export interface Place {
  readonly channel: ChannelId | 0;
  readonly topic: string;
}

export interface RecordFilter {
  /** One or more. */
  readonly states: readonly RecordState[];
  readonly topic: string | undefined;
  /** Undefined: all, and the topics themselves (0). */
  readonly channels: readonly (ChannelId | 0)[] | undefined;
  /** Unix milliseconds, of `settledAt`: at least; 0: no limit. */
  readonly after: number;
  /** Less than; 0: no limit. */
  readonly before: number;
}

export interface TermFilter extends Omit<RecordFilter, 'states'> {
  /** None: all. */
  readonly states: readonly ViewState[];
}

/** Whether a record is one of those that are asked for. */
export function fits({ states, after, before }: TermFilter, { state, settledAt }: RecordView): boolean {
  return (states.length === 0 || states.includes(state)) && settledAt >= after && (before === 0 || settledAt < before);
}

/** What a message may be in: a record's state, or waiting for its topic. */
export type ViewState = RecordState | 'delayed' | 'parked';

export interface RecordView {
  readonly channel: ChannelId | 0;
  readonly topic: string;
  readonly id: string;
  readonly state: ViewState;
  /** The ledger's count: see model/attempt.ts. */
  readonly attempt: number;
  readonly consumer: string;
  /** Unix milliseconds, as all times here; 0 when not known. */
  readonly acceptedAt: number;
  readonly deliveredAt: number;
  readonly settledAt: number;
  /** When it is due, or its lease ends; 0 where it waits for neither. */
  readonly dueAt: number;
  readonly reason: string;
  /** The gateway that had the last attempt; empty when not known. */
  readonly node: string;
  /** The message's; empty when it has none, or it is not on record. */
  readonly key: string;
}

export interface AttemptView {
  readonly attempt: number;
  readonly outcome: RecordState | 'redriven';
  readonly consumer: string;
  readonly deliveredAt: number;
  readonly settledAt: number;
  readonly reason: string;
  /** The gateway that handed it out; empty when not known. */
  readonly node: string;
}
