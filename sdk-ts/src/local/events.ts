import type { Body } from '../body.js';
import type { Bus } from '../bus.js';
import type { CallOptions, PublishOptions } from '../call-options.js';
import type { BatchOptions } from '../consumer/batch-options.js';
import type { PullOptions } from '../consumer/pull-options.js';
import type { SubscribeOptions, Subscription } from '../consumer/subscribe-options.js';
import type { Duration } from '../duration.js';
import type { Message } from '../message.js';
import type { MessageOptions } from '../publisher/outgoing.js';
import type { Published } from '../publisher/pending.js';
import type { ChannelStats } from './channel.js';
import type { DeadLetter, DeadLetterFilter } from './dead-letters.js';

/** What events may be about: whatever JSON can hold, texts, bytes, and objects of your own. */
export type EventMap<Events> = { [Topic in keyof Events]: Body };

/** An event, handed to one subscriber. */
export interface EventMessage<Payload = unknown> extends Message {
  /** What was published, itself and not a copy: leave it unchanged. `json()` gives a copy, made of the body as a gateway would send it. */
  readonly payload: Payload;
}

/** Of a channel; each replaces what the bus says. */
export interface LocalSubscribeOptions extends SubscribeOptions {
  /** The most messages that wait for a handler, from 1. Default: the bus's. */
  queueSize?: number;
  /** What a full queue means for a publish: `false`: it waits; `true`: this channel goes without the message. Default: the bus's. */
  discardOnBlocking?: boolean;
  /** How long a publish waits before the channel is called a slow consumer: 1 ms to 24 h. Default: the bus's. */
  publishTimeout?: Duration;
}

export interface LocalBatchOptions extends BatchOptions, LocalSubscribeOptions {
  concurrency?: number;
}

/** The topics of `Events` that a topic or a pattern stands for. */
export type TopicsOf<Events, Name extends string> = Name extends keyof Events
  ? Name
  : { [Topic in keyof Events & string]: Matches<Words<Topic>, Words<Name>> extends true ? Topic : never }[keyof Events &
      string];

/** A topic of `Events`, or a pattern that one of them matches. */
export type KnownTopic<Events, Name extends string> = Name &
  ([TopicsOf<Events, Name>] extends [never] ? never : unknown);

/** What the messages of a topic, or of all topics of a pattern, say. */
export type PayloadOf<Events, Name extends string> = Events[TopicsOf<Events, Name> & keyof Events];

type Words<Name extends string> = Name extends `${infer First}.${infer Rest}` ? [First, ...Words<Rest>] : [Name];

type Matches<Topic extends string[], Pattern extends string[]> = Pattern extends [
  infer First,
  ...infer Rest extends string[],
]
  ? First extends '#'
    ? Matches<Topic, Rest> extends true
      ? true
      : Topic extends [string, ...infer Later extends string[]]
        ? Matches<Later, Pattern>
        : false
    : Topic extends [infer Word, ...infer Later extends string[]]
      ? First extends '*' | Word
        ? Matches<Later, Rest>
        : false
      : false
  : Topic extends []
    ? true
    : false;

/** A payload with options of its own, in `publishMany`. */
export interface EventItem<Payload> extends MessageOptions {
  body: Payload;
}

/**
 * A bus inside this process: no I/O, nothing is kept when the process ends. `Events` names the topics and says what each is about.
 *
 * It is a `Bus`, so what consumes from it can consume from a gateway.
 */
export interface LocalBus<Events extends EventMap<Events>> extends Bus {
  /**
   * Into the queues of all channels of the topic, in one step; handlers run afterwards. Resolves at once, or when every queue that was full has room.
   *
   * Rejects with InvalidArgumentError, OverloadedError (a queue was full until `deadline`, or too many publishes wait: the other channels have the
   * message, and publishing again with `{ id: error.messageId }` reaches the rest), ClosedError, or the signal's reason.
   */
  publish<Name extends keyof Events & string>(
    topic: Name,
    payload: Events[Name],
    options?: PublishOptions,
  ): Promise<Published>;
  /** As `publish` for each, in order. */
  publishMany<Name extends keyof Events & string>(
    topic: Name,
    items: Iterable<Events[Name] | EventItem<Events[Name]>>,
    options?: CallOptions,
  ): Promise<Published[]>;
  /** Publishes without waiting and without a promise: a channel whose queue is full goes without the message. False when one does. Throws what `publish` rejects with. */
  emit<Name extends keyof Events & string>(topic: Name, payload: Events[Name]): boolean;
  subscribe<Name extends string>(
    topic: KnownTopic<Events, Name>,
    channel: string,
    handler: (message: EventMessage<PayloadOf<Events, Name>>) => unknown,
    options?: LocalSubscribeOptions,
  ): Subscription;
  subscribeBatch<Name extends string>(
    topic: KnownTopic<Events, Name>,
    channel: string,
    handler: (messages: readonly EventMessage<PayloadOf<Events, Name>>[]) => unknown,
    options?: LocalBatchOptions,
  ): Subscription;
  pull<Name extends string>(
    topic: KnownTopic<Events, Name>,
    channel: string,
    options?: PullOptions,
  ): AsyncGenerator<EventMessage<PayloadOf<Events, Name>>, void, undefined>;
  /** What the channels do not try any more, oldest first. */
  deadLetters(filter?: DeadLetterFilter): DeadLetter[];
  /** Gives dead letters to their channels again, at attempt 1. Answers how many. */
  redrive(filter?: DeadLetterFilter): number;
  /** What every channel holds and has done. */
  stats(): ChannelStats[];
  /** Handles what is ready, then stops as every bus does. What waits for its time, or for a channel, is gone. */
  close(options?: { timeout?: Duration }): Promise<void>;
}
