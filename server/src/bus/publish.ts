import { setTimeout as delay } from 'node:timers/promises';
import { BusError } from '../model/errors.js';
import type { Message } from '../model/message.js';
import { type Incoming, seal } from '../model/message-codec.js';
import type { TermsOf } from '../model/search-term.js';
import { formatTraceparent, headerOf, type TraceContext, withHeaders } from '../model/trace-context.js';
import type { Broker, Routing } from '../ports/broker.js';
import type { Clock } from '../ports/clock.js';
import type { Dedupe, Known } from '../ports/dedupe.js';
import type { Logger } from '../ports/logger.js';
import type { Schedule, Waiting } from '../ports/schedule.js';
import type { Service } from '../ports/service.js';
import type { Telemetry } from '../ports/telemetry.js';
import { IdSource } from './ids.js';
import { Lane, type LaneOptions, type Passenger } from './lane.js';
import { type PublishRefusal, PublishRequest, type PublishResult } from './publish-request.js';
import type { Tally } from './tally.js';
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
  readonly tally: Tally;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly termsOf: TermsOf;
  /** Messages wait for this time. */
  readonly scheduled: (dueAt: number) => void;
  /** Messages of this topic were parked. */
  readonly parked: (topic: string) => void;
}

/** How long a publish waits for another gateway that began with the same id, and how often it looks. */
const BEGUN_MS = 1_000;
const BEGUN_LOOK_MS = 50;
/** How often calls past their deadline are answered, and lanes that waited for the broker go on. */
const SWEEP_MS = 50;
const STOPPED = 'not confirmed before the gateway stopped';

/** Accepts messages: checks them, drops those accepted before, and brings each to the broker or the schedule. */
export class Publisher implements Service {
  readonly #ids = new IdSource();
  readonly #lanes = new Map<string, Lane>();
  /** Calls under way, oldest first. */
  readonly #open = new Set<PublishRequest>();
  #dirty: Lane[] = [];
  #pendingBytes = 0;
  #sweeper: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    private readonly parts: Parts,
    private readonly options: PublisherOptions,
  ) {}

  async start(): Promise<void> {}

  /** Answers the calls under way: after the drain, nobody brings them to their end, and to wait for it would keep the process. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const request of this.#open) request.expire(STOPPED);
    for (const lane of this.#lanes.values()) this.#pendingBytes -= lane.dropAnswered();
    this.#lanes.clear();
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }

  /** A result for each message, in order; never rejects. `field` names the list in errors; `deadline` is in Unix milliseconds. */
  async publish(
    incoming: readonly Incoming[],
    field: string,
    deadline: number,
    refusal?: PublishRefusal,
    trace?: TraceContext,
  ): Promise<PublishResult[]> {
    const began = performance.now();
    const { meters, watch } = this.parts.telemetry;
    const now = this.parts.clock.now();
    // How long is left is counted by a clock that nobody sets: a jump must not fail what is under way.
    const request = new PublishRequest(incoming.length, this.parts.clock.steady() + deadline - now);
    const dueTimes: number[] = new Array(incoming.length);
    for (let i = 0; i < incoming.length; i++) {
      const one = incoming[i] as Incoming;
      try {
        const refused = refusal?.(one.topic, `${field}[${i}].topic`);
        if (refused !== undefined) throw refused;
        dueTimes[i] = this.parts.rules.check(one, `${field}[${i}]`, now);
        const own = one.id !== '';
        const carried = trace === undefined ? one : carrying(one, trace);
        request.add(i, seal(carried, own ? one.id : this.#ids.next(now), now), own);
      } catch (error) {
        request.fail(i, one.id, BusError.from(error));
      }
    }
    if (this.#stopped) request.expire(STOPPED);
    if (request.answered) return this.#refused(incoming, await request.done);
    const accepted = watch?.accepting(request.messages);
    this.#open.add(request);
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS);
    const unsure = request.ownIds.size > 0 ? await Promise.race([this.#dedupe(request), request.done]) : undefined;
    if (!Array.isArray(unsure)) this.#dispatch(request, dueTimes, unsure);
    const results = await request.done;
    this.#open.delete(request);
    this.#remember(request, results);
    accepted?.(results);
    meters.publish.observe((performance.now() - began) / 1000, results.length);
    return this.#refused(incoming, results);
  }

  /** Counts what was not accepted. */
  #refused(incoming: readonly Incoming[], results: PublishResult[]): PublishResult[] {
    for (let i = 0; i < results.length; i++) {
      const error = results[i]?.error;
      if (error === undefined) {
        if (results[i]?.outcome === 'duplicate') this.parts.tally.duplicates++;
        continue;
      }
      const { topic, id } = incoming[i] ?? { topic: '', id: '' };
      this.parts.tally.refuse(error);
      this.parts.telemetry.journal.refused(topic, id, error);
    }
    return results;
  }

  /** Bytes of messages that wait for their confirm. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Topics with messages on their way. */
  get topics(): number {
    return this.#lanes.size;
  }

  /** Asks which of the publisher's own ids are known. Answers those that may be in the broker already. */
  async #dedupe(request: PublishRequest): Promise<Set<Message> | undefined> {
    let unsure: Set<Message> | undefined;
    const earlier = this.#earlier(request);
    for (const [topic, ids] of request.ownIds) {
      const list = [...ids.keys()];
      const known = await this.parts.dedupe.begin(topic, list);
      if (known.includes('begun')) await this.#waitForOthers(topic, list, known);
      for (let k = 0; k < list.length; k++) {
        const state = known[k];
        if (state === 'new') continue;
        const id = list[k] as string;
        const index = ids.get(id) as number;
        const message = request.messages[index];
        if (message === undefined) continue;
        if (state === 'accepted' || (await acceptedBy(earlier, request, topic, id))) {
          request.succeed(index, id, 'duplicate');
          request.messages[index] = undefined;
        } else {
          unsure ??= new Set();
          unsure.add(message);
        }
      }
    }
    return unsure;
  }

  /**
   * Another gateway began with some of the ids: a client that lost its answer sends the same by another way. Gives it a moment to
   * finish, since two copies would be worse than a wait. Updates `known`.
   */
  async #waitForOthers(topic: string, ids: readonly string[], known: Known[]): Promise<void> {
    const until = performance.now() + BEGUN_MS;
    let open = ids.map((_, k) => k).filter((k) => known[k] === 'begun');
    while (open.length > 0 && performance.now() < until) {
      await delay(BEGUN_LOOK_MS);
      const states = await this.parts.dedupe.begin(
        topic,
        open.map((k) => ids[k] as string),
      );
      open.forEach((k, n) => {
        known[k] = states[n] ?? 'unsure';
      });
      open = open.filter((k) => known[k] === 'begun');
    }
  }

  /** The calls under way that came before, with ids of their own: only for those one may wait, or two would wait for each other. */
  #earlier(request: PublishRequest): PublishRequest[] {
    const earlier: PublishRequest[] = [];
    for (const other of this.#open) {
      if (other === request) break;
      if (other.ownIds.size > 0) earlier.push(other);
    }
    return earlier;
  }

  #dispatch(request: PublishRequest, dueTimes: number[], unsure: Set<Message> | undefined): void {
    let later: Passenger[] | undefined;
    for (let i = 0; i < request.messages.length; i++) {
      const message = request.messages[i];
      if (message === undefined) continue;
      if (this.#pendingBytes > this.options.maxPendingBytes) {
        request.fail(i, message.id, overloaded(this.options.maxPendingBytes));
        continue;
      }
      this.#pendingBytes += message.wire.length;
      const passenger = { message, request, index: i, verify: unsure?.has(message) === true, place: 0 };
      if (dueTimes[i] !== 0) {
        later ??= [];
        later.push(passenger);
      } else {
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
        this.parts.telemetry,
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
    if (routing === 'unroutable') {
      void this.#park(passengers);
      return;
    }
    this.#release(passengers);
    this.parts.tally.accepted(passengers[0]?.message.topic ?? '', passengers.length);
    for (const { request, index, message } of passengers) request.succeed(index, message.id, 'accepted');
  }

  #failed(passengers: Passenger[], error: BusError): void {
    this.#release(passengers);
    for (const { request, index, message } of passengers) request.fail(index, message.id, error);
  }

  #release(passengers: Passenger[]): void {
    for (const { message } of passengers) this.#pendingBytes -= message.wire.length;
  }

  async #schedule(passengers: Passenger[], dueTimes: number[]): Promise<void> {
    const waiting = passengers.map(({ message, index }) => this.#waiting(message, dueTimes[index]));
    if (await this.#addToSchedule(passengers, waiting, 'scheduled')) {
      let earliest = Number.POSITIVE_INFINITY;
      for (const { dueAt } of waiting) if (dueAt !== undefined && dueAt < earliest) earliest = dueAt;
      this.parts.scheduled(earliest);
    }
  }

  async #park(passengers: Passenger[]): Promise<void> {
    const waiting = passengers.map(({ message }) => this.#waiting(message, undefined));
    const topic = passengers[0]?.message.topic;
    if ((await this.#addToSchedule(passengers, waiting, 'parked')) && topic !== undefined) this.parts.parked(topic);
  }

  #waiting(message: Message, dueAt: number | undefined): Waiting {
    return { message, dueAt, terms: this.parts.termsOf(message) };
  }

  async #addToSchedule(
    passengers: Passenger[],
    waiting: readonly Waiting[],
    outcome: 'scheduled' | 'parked',
  ): Promise<boolean> {
    try {
      const { tally, telemetry } = this.parts;
      const added = await this.parts.schedule.add(waiting);
      passengers.forEach(({ request, index, message }, i) => {
        if (added[i] === true) {
          tally.accepted(message.topic, 1);
          tally[outcome]++;
          if (outcome === 'parked') telemetry.journal.parked(message);
        }
        request.succeed(index, message.id, added[i] === true ? outcome : 'duplicate');
      });
      return true;
    } catch (error) {
      for (const { request, index, message } of passengers) request.fail(index, message.id, BusError.from(error));
      return false;
    } finally {
      this.#release(passengers);
    }
  }

  #remember(request: PublishRequest, results: readonly PublishResult[]): void {
    for (const [topic, ids] of request.ownIds) {
      const accepted: string[] = [];
      for (const [id, index] of ids) {
        const outcome = results[index]?.outcome;
        if (outcome !== undefined && outcome !== 'duplicate') accepted.push(id);
      }
      if (accepted.length > 0) this.parts.dedupe.accepted(topic, accepted);
    }
  }

  #sweep(): void {
    const now = this.parts.clock.steady();
    for (const request of this.#open) if (request.deadline <= now) request.expire();
    for (const lane of this.#lanes.values()) {
      this.#pendingBytes -= lane.dropAnswered();
      lane.resume();
      if (lane.idle) this.#lanes.delete(lane.topic);
    }
    if (this.#open.size === 0 && this.#lanes.size === 0) {
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
    }
  }
}

/** Whether one of these calls brings the same message to acceptance. */
async function acceptedBy(
  earlier: readonly PublishRequest[],
  request: PublishRequest,
  topic: string,
  id: string,
): Promise<boolean> {
  for (const other of earlier) {
    if (other.ownIds.get(topic)?.has(id) !== true) continue;
    await Promise.race([other.done, request.done]);
    if (other.accepted(topic, id)) return true;
  }
  return false;
}

/** The message, in the trace of the call that brought it unless it names another. */
function carrying(incoming: Incoming, trace: TraceContext): Incoming {
  if (headerOf(incoming.raw, 'traceparent') !== undefined) return incoming;
  const state = trace.state === '' ? {} : { tracestate: trace.state };
  return { ...incoming, raw: withHeaders(incoming.raw, { traceparent: formatTraceparent(trace), ...state }) };
}

function overloaded(limit: number): BusError {
  return new BusError(
    'OVERLOADED',
    `more than ${limit} bytes wait to be kept (config MaxPendingPublishBytes): try again later`,
    {
      limit: `${limit} bytes`,
      key: 'MaxPendingPublishBytes',
    },
  );
}
