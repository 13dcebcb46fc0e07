import { BusError } from '../model/errors.js';
import type { Message } from '../model/message.js';
import { type Incoming, seal } from '../model/message-codec.js';
import type { Broker, Routing } from '../ports/broker.js';
import type { Clock } from '../ports/clock.js';
import type { Dedupe } from '../ports/dedupe.js';
import type { Logger } from '../ports/logger.js';
import type { Schedule } from '../ports/schedule.js';
import { IdSource } from './ids.js';
import { Lane, type LaneOptions, type Passenger } from './lane.js';
import { PublishRequest, type PublishResult } from './publish-request.js';
import type { MessageRules } from './validate.js';

export interface PublisherOptions extends LaneOptions {
  /** Bytes of messages that may wait for their confirm; past it, OVERLOADED. */
  readonly maxPendingBytes: number;
}

interface Parts {
  readonly broker: Broker;
  readonly schedule: Schedule;
  readonly dedupe: Dedupe;
  readonly rules: MessageRules;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Messages wait for this time. */
  readonly scheduled: (dueAt: number) => void;
  /** Messages of this topic were parked. */
  readonly parked: (topic: string) => void;
}

/** How often calls past their deadline are answered, and lanes that waited for the broker go on. */
const SWEEP_MS = 50;

interface Open {
  readonly request: PublishRequest;
  readonly messages: (Message | undefined)[];
}

/** Accepts messages: checks them, drops those accepted before, and brings each to the broker or the schedule. */
export class Publisher {
  readonly #ids = new IdSource();
  readonly #lanes = new Map<string, Lane>();
  readonly #open = new Set<Open>();
  #dirty: Lane[] = [];
  #pendingBytes = 0;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(
    private readonly parts: Parts,
    private readonly options: PublisherOptions,
  ) {}

  /** A result for each message, in order; never rejects. `field` names the list in errors; `deadline` is in Unix milliseconds. */
  async publish(incoming: readonly Incoming[], field: string, deadline: number): Promise<PublishResult[]> {
    const now = this.parts.clock.now();
    const request = new PublishRequest(incoming.length, deadline);
    const messages: (Message | undefined)[] = new Array(incoming.length);
    const dueTimes: number[] = new Array(incoming.length);
    for (let i = 0; i < incoming.length; i++) {
      const one = incoming[i] as Incoming;
      try {
        dueTimes[i] = this.parts.rules.check(one, `${field}[${i}]`, now);
        messages[i] = seal(one, one.id === '' ? this.#ids.next(now) : one.id, now);
        if (one.id !== '' && !addOwnId(request, one)) {
          request.succeed(i, one.id, 'duplicate');
          messages[i] = undefined;
        }
      } catch (error) {
        request.fail(i, one.id, BusError.from(error));
      }
    }
    const open = { request, messages };
    const unsure = request.ownIds.size > 0 ? await this.#dedupe(open) : undefined;
    this.#open.add(open);
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS);
    this.#dispatch(open, dueTimes, unsure);
    const results = await request.done;
    this.#open.delete(open);
    this.#remember(request, incoming, results);
    return results;
  }

  /** Asks which of the publisher's own ids are known. Answers those that may be in the broker already. */
  async #dedupe({ request, messages }: Open): Promise<Set<Message> | undefined> {
    let unsure: Set<Message> | undefined;
    for (const [topic, ids] of request.ownIds) {
      const list = [...ids];
      const known = await this.parts.dedupe.begin(topic, list);
      if (!known.some((state) => state !== 'new')) continue;
      const states = new Map(list.map((id, i) => [id, known[i]]));
      for (let i = 0; i < messages.length; i++) {
        const message = messages[i];
        if (message?.topic !== topic || !ids.has(message.id)) continue;
        let state = states.get(message.id);
        if (state === 'unsure' && (await this.#acceptedHere(topic, message.id))) state = 'accepted';
        if (state === 'accepted') {
          request.succeed(i, message.id, 'duplicate');
          messages[i] = undefined;
        } else if (state === 'unsure') {
          unsure ??= new Set();
          unsure.add(message);
        }
      }
    }
    return unsure;
  }

  /** Whether another call of this gateway, still under way, brings the same message to acceptance. */
  async #acceptedHere(topic: string, id: string): Promise<boolean> {
    for (const { request } of this.#open) {
      if (request.ownIds.get(topic)?.has(id) !== true) continue;
      const results = await request.done;
      if (results.some((result) => result.id === id && result.error === undefined)) return true;
    }
    return false;
  }

  #dispatch({ request, messages }: Open, dueTimes: number[], unsure: Set<Message> | undefined): void {
    let later: Passenger[] | undefined;
    for (let i = 0; i < messages.length; i++) {
      const message = messages[i];
      if (message === undefined) continue;
      const passenger = { message, request, index: i, verify: unsure?.has(message) === true };
      if (dueTimes[i] !== 0) {
        later ??= [];
        later.push(passenger);
      } else if (this.#pendingBytes > this.options.maxPendingBytes) {
        request.fail(i, message.id, overloaded(this.options.maxPendingBytes));
      } else {
        this.#pendingBytes += message.wire.length;
        this.#board(passenger);
      }
    }
    if (later !== undefined) void this.#schedule(later, dueTimes);
  }

  #board(passenger: Passenger): void {
    const { topic } = passenger.message;
    let lane = this.#lanes.get(topic);
    if (lane === undefined) {
      lane = new Lane(
        topic,
        this.parts.broker,
        this.options,
        (passengers, routing) => this.#arrived(passengers, routing),
        (passengers, error) => this.#failed(passengers, error),
      );
      this.#lanes.set(topic, lane);
    }
    lane.add(passenger);
    if (this.#dirty.length === 0) setImmediate(() => this.#flush());
    if (this.#dirty.at(-1) !== lane) this.#dirty.push(lane);
  }

  #flush(): void {
    const lanes = this.#dirty;
    this.#dirty = [];
    for (const lane of lanes) lane.flush();
  }

  #arrived(passengers: Passenger[], routing: Routing): void {
    this.#release(passengers);
    if (routing === 'unroutable') void this.#park(passengers);
    else for (const { request, index, message } of passengers) request.succeed(index, message.id, 'accepted');
  }

  #failed(passengers: Passenger[], error: BusError): void {
    this.#release(passengers);
    for (const { request, index, message } of passengers) request.fail(index, message.id, error);
  }

  #release(passengers: Passenger[]): void {
    for (const { message } of passengers) this.#pendingBytes -= message.wire.length;
  }

  async #schedule(passengers: Passenger[], dueTimes: number[]): Promise<void> {
    const waiting = passengers.map(({ message, index }) => ({ message, dueAt: dueTimes[index] }));
    if (await this.#addToSchedule(passengers, waiting, 'scheduled')) {
      let earliest = Number.POSITIVE_INFINITY;
      for (const { dueAt } of waiting) if (dueAt !== undefined && dueAt < earliest) earliest = dueAt;
      this.parts.scheduled(earliest);
    }
  }

  async #park(passengers: Passenger[]): Promise<void> {
    const waiting = passengers.map(({ message }) => ({ message, dueAt: undefined }));
    const topic = passengers[0]?.message.topic;
    if ((await this.#addToSchedule(passengers, waiting, 'parked')) && topic !== undefined) this.parts.parked(topic);
  }

  async #addToSchedule(
    passengers: Passenger[],
    waiting: Parameters<Schedule['add']>[0],
    outcome: 'scheduled' | 'parked',
  ): Promise<boolean> {
    try {
      const added = await this.parts.schedule.add(waiting);
      passengers.forEach(({ request, index, message }, i) => {
        request.succeed(index, message.id, added[i] === true ? outcome : 'duplicate');
      });
      return true;
    } catch (error) {
      for (const { request, index, message } of passengers) request.fail(index, message.id, BusError.from(error));
      return false;
    }
  }

  #remember(request: PublishRequest, incoming: readonly Incoming[], results: PublishResult[]): void {
    for (const [topic, ids] of request.ownIds) {
      const accepted: string[] = [];
      for (let i = 0; i < results.length; i++) {
        const result = results[i];
        if (result?.outcome === undefined || result.outcome === 'duplicate') continue;
        if (incoming[i]?.topic === topic && ids.has(result.id)) accepted.push(result.id);
      }
      if (accepted.length > 0) this.parts.dedupe.accepted(topic, accepted);
    }
  }

  #sweep(): void {
    const now = this.parts.clock.now();
    for (const { request, messages } of this.#open) if (request.deadline <= now) request.expire(messages);
    for (const lane of this.#lanes.values()) {
      this.#pendingBytes -= lane.dropAnswered();
      lane.flush();
      if (lane.idle) this.#lanes.delete(lane.topic);
    }
    if (this.#open.size === 0 && this.#lanes.size === 0) {
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
    }
  }
}

/** False when the same call has a message with this id already. */
function addOwnId(request: PublishRequest, { topic, id }: Incoming): boolean {
  let ids = request.ownIds.get(topic);
  if (ids === undefined) {
    ids = new Set();
    request.ownIds.set(topic, ids);
  }
  const before = ids.size;
  return ids.add(id).size > before;
}

function overloaded(limit: number): BusError {
  return new BusError(
    'OVERLOADED',
    `more than ${limit} bytes wait for the broker (config MaxPendingPublishBytes): try again later`,
    {
      limit: `${limit} bytes`,
    },
  );
}
