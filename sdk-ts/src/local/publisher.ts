import { ClosedError, NotFoundError, OverloadedError } from '../errors.js';
import { batchId, IdMaker } from '../ids.js';
import type { MessageOptions } from '../publisher/outgoing.js';
import type { Outcome, Published } from '../publisher/pending.js';
import type { Agenda, Appointment } from './agenda.js';
import type { Channel } from './channel.js';
import type { Clock } from './clock.js';
import type { KnownIds } from './known-ids.js';
import { checkMessage } from './message-rules.js';
import { StoredMessage } from './stored-message.js';
import type { Topics } from './topics.js';
import { WaitingPublish } from './waiting-publish.js';

export interface PublisherParts {
  readonly clock: Clock;
  readonly agenda: Agenda;
  readonly topics: Topics;
  readonly ids: KnownIds;
  /** Makes bodies on publish, so that a payload which JSON cannot hold is refused there. */
  readonly encodes: boolean;
  /** Told of every message that was accepted. */
  readonly published: ((message: StoredMessage, dueAt: number) => void) | undefined;
}

export interface PublisherLimits {
  /** Delayed messages. */
  readonly scheduled: number;
  /** Publishes that wait for room. */
  readonly pending: number;
}

const NO_OPTIONS: MessageOptions = {};
/** How many ids have the same first part. */
const BATCH = 0x10000;

/** Accepts messages: into the queues of all channels that want them, into the schedule, or parked until a channel does. */
export class LocalPublisher {
  readonly #parts: PublisherParts;
  readonly #limits: PublisherLimits;
  readonly #ids: IdMaker;
  readonly #delayed = new Map<string, Delayed>();
  readonly #waiting = new Set<WaitingPublish>();
  #roomWaiters: (() => void)[] = [];
  #prefix = '';
  #prefixAt = 0;
  #idsOfPrefix = 0;
  #closed = false;

  constructor(parts: PublisherParts, limits: PublisherLimits) {
    this.#parts = parts;
    this.#limits = limits;
    this.#ids = new IdMaker(() => parts.clock.now());
  }

  get delayed(): number {
    return this.#delayed.size;
  }

  /** Never throws: rejects with a WaybillError, or the signal's reason. */
  publish(
    topic: string,
    body: unknown,
    options: MessageOptions | undefined,
    deadlineMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Published> {
    try {
      signal?.throwIfAborted();
      const accepted = this.#accept(topic, body, options);
      if (!(accepted instanceof Blocked)) return Promise.resolve(accepted);
      return this.#wait(accepted, deadlineMs, signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Publishes without waiting: a channel that is full loses its copy. False when one was. Throws as `publish` rejects. */
  emit(topic: string, body: unknown): boolean {
    const accepted = this.#accept(topic, body, undefined);
    if (!(accepted instanceof Blocked)) return true;
    for (const channel of accepted.channels) channel.discard();
    return false;
  }

  /** Resolves when few publishes wait for room. */
  async room(): Promise<void> {
    while (this.#waiting.size > this.#limits.pending / 2) {
      await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
    }
  }

  /** Throws NotFoundError when no such message waits. */
  cancel(topic: string, id: string): void {
    const key = keyOf(topic, id);
    const delayed = this.#delayed.get(key);
    if (delayed !== undefined) {
      this.#delayed.delete(key);
      this.#parts.agenda.remove(delayed);
      return;
    }
    const { topics } = this.#parts;
    if (!topics.parking.remove(topics.route(topic), id)) throw notWaiting(topic, id);
  }

  /** Answers the new time. */
  reschedule(topic: string, id: string, dueAt: number): Date {
    const delayed = this.#delayed.get(keyOf(topic, id));
    if (delayed === undefined) throw notWaiting(topic, id);
    const at = dueAt === 0 ? this.#parts.clock.now() : dueAt;
    this.#parts.agenda.add(delayed, at);
    return new Date(at);
  }

  /** Refuses what is published from now on; what waits for room is rejected. */
  close(): void {
    this.#closed = true;
    for (const publish of this.#waiting) publish.close();
    this.#delayed.clear();
  }

  /** Its time has come. */
  due(message: StoredMessage): void {
    this.#delayed.delete(keyOf(message.topic, message.id));
    const route = this.#parts.topics.route(message.topic);
    if (route.channels.length === 0) this.#parts.topics.parking.add(route, message);
    else for (const channel of route.channels) channel.put(message);
  }

  #accept(topic: string, body: unknown, options: MessageOptions | undefined): Published | Blocked {
    if (this.#closed) throw new ClosedError('the bus is closed');
    const now = this.#parts.clock.now();
    const route = this.#parts.topics.route(topic);
    const { id: ownId, key = '', headers } = options ?? NO_OPTIONS;
    const { dueAt, expiresAt } = checkMessage(options ?? NO_OPTIONS, now);
    if (dueAt > 0 && this.#delayed.size >= this.#limits.scheduled) throw tooManyScheduled(this.#limits.scheduled);
    const id = ownId ?? this.#nextId(now);
    const message = new StoredMessage(topic, id, key, body, headers, now, expiresAt);
    if (this.#parts.encodes) message.text();
    let channels: readonly Channel[] = route.channels;
    if (ownId !== undefined) {
      const missing = this.#parts.ids.takeMissing(topic, id);
      if (missing !== undefined) channels = route.channels.filter((channel) => missing.includes(channel));
      else if (!this.#parts.ids.accept(topic, id, now)) return { id, outcome: 'duplicate' };
    }
    this.#parts.published?.(message, dueAt);
    if (dueAt > 0) {
      this.#delay(message, dueAt);
      return { id, outcome: 'scheduled' };
    }
    if (route.channels.length === 0) {
      // An event that nobody listens to is no reason to stop its publisher.
      this.#parts.topics.parking.add(route, message);
      return { id, outcome: 'parked' };
    }
    let full: Channel[] | undefined;
    for (const channel of channels) {
      if (channel.offer(message)) continue;
      full ??= [];
      full.push(channel);
    }
    return full === undefined ? accepted(id) : new Blocked(message, full);
  }

  async #wait({ message, channels }: Blocked, deadlineMs: number, signal?: AbortSignal): Promise<Published> {
    const { agenda, clock, ids } = this.#parts;
    const { topic, id } = message;
    if (this.#waiting.size >= this.#limits.pending) {
      ids.gaveUp(topic, id, channels);
      throw tooManyPending(this.#limits.pending, id);
    }
    const publish = new WaitingPublish(message, channels, agenda, clock.now() + deadlineMs, signal);
    this.#waiting.add(publish);
    for (const channel of channels) channel.block(publish);
    try {
      await publish.done;
      return accepted(id);
    } catch (error) {
      ids.gaveUp(topic, id, publish.missing);
      throw error;
    } finally {
      this.#waiting.delete(publish);
      const waiters = this.#roomWaiters;
      this.#roomWaiters = [];
      for (const waiter of waiters) waiter();
    }
  }

  #delay(message: StoredMessage, dueAt: number): void {
    const delayed = new Delayed(message, this);
    this.#delayed.set(keyOf(message.topic, message.id), delayed);
    this.#parts.agenda.add(delayed, dueAt);
  }

  #nextId(now: number): string {
    if (now !== this.#prefixAt || this.#idsOfPrefix === BATCH) {
      this.#prefix = this.#ids.prefix();
      this.#prefixAt = now;
      this.#idsOfPrefix = 0;
    }
    return batchId(this.#prefix, this.#idsOfPrefix++);
  }
}

class Delayed implements Appointment {
  dueAt = 0;
  place = -1;
  order = 0;

  constructor(
    readonly message: StoredMessage,
    readonly publisher: LocalPublisher,
  ) {}

  due(): void {
    this.publisher.due(this.message);
  }
}

/** Accepted, and some channels have no room for it. */
class Blocked {
  constructor(
    readonly message: StoredMessage,
    readonly channels: readonly Channel[],
  ) {}
}

function accepted(id: string): Published {
  const outcome: Outcome = 'accepted';
  return { id, outcome };
}

function keyOf(topic: string, id: string): string {
  return `${topic}/${id}`;
}

function notWaiting(topic: string, id: string): NotFoundError {
  return new NotFoundError(`no message "${id}" of topic "${topic}" waits in the schedule`, {
    code: 'NOT_FOUND',
    reason: 'SCHEDULED_NOT_FOUND',
  });
}

function tooManyScheduled(most: number): OverloadedError {
  return new OverloadedError(`${most} messages wait for their time: there may be no more (maxScheduled)`, {
    code: 'RESOURCE_EXHAUSTED',
    reason: 'OVERLOADED',
  });
}

function tooManyPending(most: number, messageId: string): OverloadedError {
  return new OverloadedError(`${most} publishes wait for room in a queue: there may be no more (maxPending)`, {
    code: 'RESOURCE_EXHAUSTED',
    reason: 'OVERLOADED',
    messageId,
  });
}
