import type { Body } from '../body.js';
import type { Bus } from '../bus.js';
import { type Duration, milliseconds } from '../duration.js';
import { LocalEngine } from '../local/engine.js';
import type { EventMap, KnownTopic, LocalBus, PayloadOf } from '../local/events.js';
import { fits } from '../local/names.js';
import type { LocalBusOptions } from '../local/options.js';
import type { Middleware } from '../middleware/middleware.js';
import { within } from '../pause.js';
import { DeliveryHangsError, type HandlerFailure, HandlersFailedError } from './handler-failure.js';
import { ManualClock } from './manual-clock.js';
import { type PublishedMessage, publishedMessage } from './published-message.js';
import { notOne } from './published-text.js';

export interface TestBusOptions extends LocalBusOptions {
  /** Where its clock begins. Default: now. */
  now?: Date;
}

export interface DeliverOptions {
  /** Handlers may fail: what they threw is in the report. Default: `false`: `deliver` rejects with HandlersFailedError, which tells all. */
  allowFailures?: boolean;
  /** How long handlers may take, by the real clock: 1 ms to 1 h. Then: DeliveryHangsError, which tells what still runs. Default: 5 s. */
  timeout?: Duration;
}

/** What a `deliver` has done. */
export interface DeliveryReport {
  /** How often a handler was run. */
  readonly handled: number;
  readonly failures: readonly HandlerFailure[];
}

/**
 * A bus for tests: in memory, with a clock that the test moves and handlers that run when the test says so. Otherwise it keeps the rules
 * of every bus: retries, dead letters, delays, leases, ids.
 */
export interface TestBus<Events extends EventMap<Events>> extends LocalBus<Events> {
  /** What was published on a topic, or on all topics of a pattern, in order; all that was published when none is given. */
  published<Name extends string>(topic: KnownTopic<Events, Name>): PublishedMessage<PayloadOf<Events, Name>>[];
  published(): PublishedMessage<Events[keyof Events]>[];
  /** The one message of a topic. Throws when there are others or none, and says what was published instead. */
  publishedOnce<Name extends string>(topic: KnownTopic<Events, Name>): PublishedMessage<PayloadOf<Events, Name>>;
  /** Forgets what was published so far; what is on its way stays on its way. */
  forget(): void;
  /** The time of its clock. */
  now(): Date;
  /** Moves its clock: delayed messages and retries become due, leases end. It runs no handler: `deliver` does. */
  advance(time: Duration): void;
  /** Runs handlers until nothing is ready any more, with all that they publish; what waits for its time stays. */
  deliver(options?: DeliverOptions): Promise<DeliveryReport>;
}

const MAX_TIMEOUT_MS = 3_600_000;

/**
 * A bus for tests.
 *
 * @example
 * const bus = testBus<{ orders: Order }>();
 * await placeOrder(bus, 7);
 * expect(bus.publishedOnce('orders').payload).toEqual({ number: 7 });
 */
export function testBus<Events extends EventMap<Events> = Record<string, Body>>(
  options?: TestBusOptions,
): TestBus<Events>;
// As in `localBus`, the types of payloads are in the signatures alone.
export function testBus({ now = new Date(), ...options }: TestBusOptions = {}): Bus {
  return new TestEngine(options, new ManualClock(now.getTime()), new Records());
}

/** What happened on the bus. */
class Records {
  published: PublishedMessage[] = [];
  failures: HandlerFailure[] = [];
  handled = 0;
}

class TestEngine extends LocalEngine {
  readonly #clock: ManualClock;
  readonly #records: Records;

  constructor(options: LocalBusOptions, clock: ManualClock, records: Records) {
    const count: Middleware = (_message, next) => {
      records.handled++;
      return next();
    };
    const middleware = [...(options.middleware ?? []), count];
    super(
      { ...options, middleware },
      {
        clock,
        paused: true,
        encodes: true,
        published: (message, dueAt) => records.published.push(publishedMessage(message, dueAt)),
        failed: (error, message, { topic, channel }) =>
          records.failures.push({ subscribed: topic, channel, message, error }),
      },
    );
    this.#clock = clock;
    this.#records = records;
  }

  published(topic = '#'): PublishedMessage[] {
    return this.#records.published.filter((message) => fits(topic, message.topic));
  }

  publishedOnce(topic: string): PublishedMessage {
    const [message, ...others] = this.published(topic);
    if (message === undefined || others.length > 0) throw notOne(topic, this.#records.published);
    return message;
  }

  forget(): void {
    this.#records.published = [];
  }

  now(): Date {
    return new Date(this.#clock.now());
  }

  advance(time: Duration): void {
    this.#clock.advance(milliseconds(time, 'time'));
  }

  async deliver({ allowFailures = false, timeout = 5_000 }: DeliverOptions = {}): Promise<DeliveryReport> {
    const timeoutMs = milliseconds(timeout, 'timeout', 1, MAX_TIMEOUT_MS);
    const records = this.#records;
    records.failures = [];
    records.handled = 0;
    const tooLong = new AbortController();
    let through = false;
    const settled = this.settled(tooLong.signal).then(() => {
      through = true;
    });
    await within(settled, timeoutMs);
    if (!through) {
      tooLong.abort();
      throw new DeliveryHangsError(timeoutMs, this.#running());
    }
    const { handled, failures } = records;
    if (failures.length > 0 && !allowFailures) throw new HandlersFailedError(failures);
    return { handled, failures };
  }

  #running() {
    return this.subscriptions.flatMap(({ channel, handling }) => handling.map((message) => ({ channel, message })));
  }
}
