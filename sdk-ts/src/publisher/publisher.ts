import { PublishOutcome, type PublishResult, type PublishStreamResponse } from '@waybill/proto/waybill/v1/bus';
import { Backoff, backoffDelay } from '../backoff.js';
import type { Body } from '../body.js';
import { AccessError, ClosedError, DeadlineError, type WaybillError } from '../errors.js';
import { Fifo } from '../fifo.js';
import type { Connection } from '../grpc/connection.js';
import { batchId, IdMaker } from '../ids.js';
import type { PublisherLimits } from '../options.js';
import { Backlog } from './backlog.js';
import { encodeRequest } from './encode.js';
import { type MessageOptions, type Outgoing, outgoing, weigh } from './outgoing.js';
import type { Batch, Outcome, Pending, Published } from './pending.js';
import { PublishStream } from './publish-stream.js';
import { resultError } from './result-error.js';
import { Signals } from './signals.js';
import { Sweeper } from './sweeper.js';

/**
 * Publishes over one stream, in batches.
 *
 *   publish() ─▶ waiting ──▶ in flight ─▶ answered
 *                  ┌─ again ─▶ │   │
 *                  │    ▲      │   └─ stream broken: again, in order, after a backoff
 *                  │    └──────┴───── refused for now: again, after a backoff of its own; the others go on
 *
 * A batch is whatever waits when there is room to send: no timer waits to fill one. A message gets its id when it is sent for
 * the first time; whatever is unanswered is sent again under it, until its own deadline.
 */
export class Publisher {
  readonly #connection: Connection;
  readonly #limits: PublisherLimits;
  readonly #backlog: Backlog;
  readonly #ids = new IdMaker();
  readonly #waiting = new Fifo<Pending>();
  /** Sent before: they go before `#waiting`. */
  #again = new Fifo<Pending>();
  readonly #inFlight = new Map<number, Batch>();
  readonly #refused = new Map<NodeJS.Timeout, readonly Pending[]>();
  readonly #backoff = new Backoff();
  readonly #signals = new Signals((entry, reason) => this.#fail(entry, reason));
  readonly #sweeper = new Sweeper((now) => this.#sweep(now));
  #stream: PublishStream | undefined;
  #reconnecting: NodeJS.Timeout | undefined;
  #lastError: WaybillError | undefined;
  /** How many messages still go one by one, to find the one for which the gateway ended the stream. */
  #suspects = 0;
  #sequence = 0;
  #inFlightMessages = 0;
  #inFlightBytes = 0;
  #scheduled = false;
  #closed = false;

  constructor(connection: Connection, limits: PublisherLimits) {
    this.#connection = connection;
    this.#limits = limits;
    this.#backlog = new Backlog(limits);
  }

  /** Resolves when the message is durable; rejects with a WaybillError, or with the signal's reason. */
  publish(
    topic: string,
    body: Body,
    options: MessageOptions | undefined,
    deadlineMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Published> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new ClosedError('the bus is closed');
      signal?.throwIfAborted();
      const now = Date.now();
      const message = outgoing(topic, body, options, now);
      const weight = weigh(message);
      this.#backlog.check(weight);
      const deadline = now + deadlineMs;
      const unlisten = undefined;
      const entry: Pending = { message, weight, deadline, resolve, reject, done: false, refusals: 0, unlisten };
      if (signal !== undefined) this.#signals.listen(entry, signal);
      this.#backlog.enter(entry);
      this.#waiting.push(entry);
      this.#sweeper.expect(deadline);
      if (this.#backlog.messages === 1) this.#sweeper.hold(true);
      this.#schedule();
    });
  }

  /** Resolves when there is room for many more messages. */
  room(): Promise<void> {
    return this.#backlog.room();
  }

  /** Refuses what is published from now on; resolves when all before it has settled: what is left after `timeoutMs`, with ClosedError. Safe twice. */
  async close(timeoutMs: number): Promise<void> {
    this.#closed = true;
    const timer = setTimeout(() => this.#rejectAll(), timeoutMs);
    await this.#backlog.idle();
    clearTimeout(timer);
    clearTimeout(this.#reconnecting);
    for (const refused of this.#refused.keys()) clearTimeout(refused);
    this.#sweeper.stop();
    this.#stream?.end();
    this.#stream = undefined;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // After the I/O of this turn of the event loop: all that its callbacks publish travels together.
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    while (this.#reconnecting === undefined && this.#windowOpen) {
      const batch = this.#nextBatch();
      if (batch === undefined) return;
      this.#send(batch);
    }
  };

  get #windowOpen(): boolean {
    if (this.#inFlight.size === 0) return true;
    const { maxInFlight, maxInFlightBytes } = this.#limits;
    return this.#suspects === 0 && this.#inFlightMessages < maxInFlight && this.#inFlightBytes < maxInFlightBytes;
  }

  #nextBatch(): Batch | undefined {
    const { batchMessages, batchBytes, maxInFlight } = this.#limits;
    const most = this.#suspects > 0 ? 1 : Math.min(batchMessages, maxInFlight - this.#inFlightMessages);
    const entries: Pending[] = [];
    let weight = 0;
    let prefix = '';
    while (entries.length < most) {
      const queue = this.#again.length > 0 ? this.#again : this.#waiting;
      const entry = queue.peek();
      if (entry === undefined || (entries.length > 0 && !entry.done && weight + entry.weight > batchBytes)) break;
      queue.shift();
      if (entry.done) continue;
      if (entry.message.id === '') {
        if (prefix === '') prefix = this.#ids.prefix();
        entry.message.id = batchId(prefix, entries.length);
      }
      entries.push(entry);
      weight += entry.weight;
    }
    return entries.length === 0 ? undefined : { sequence: ++this.#sequence, entries, weight };
  }

  #send(batch: Batch): void {
    this.#inFlight.set(batch.sequence, batch);
    this.#inFlightMessages += batch.entries.length;
    this.#inFlightBytes += batch.weight;
    this.#stream ??= new PublishStream(this.#connection, {
      response: (response) => this.#answered(response),
      ended: (error, judged) => this.#broken(error, judged),
    });
    this.#stream.send(encodeRequest(batch.sequence, batch.entries.map(messageOf), Date.now()));
  }

  #land(batch: Batch): void {
    this.#inFlight.delete(batch.sequence);
    this.#inFlightMessages -= batch.entries.length;
    this.#inFlightBytes -= batch.weight;
  }

  #answered(response: PublishStreamResponse): void {
    const batch = this.#inFlight.get(Number(response.sequence));
    if (batch === undefined) return;
    this.#land(batch);
    this.#passSuspects(batch);
    this.#backoff.reset();
    this.#lastError = undefined;
    const refused: Pending[] = [];
    for (let i = 0; i < batch.entries.length; i++) {
      const entry = batch.entries[i];
      if (entry !== undefined && !entry.done) this.#judge(entry, response.results[i], refused);
    }
    if (refused.length > 0) this.#retryLater(refused);
    if (this.#again.length > 0 || this.#waiting.length > 0) this.#schedule();
  }

  #judge(entry: Pending, result: PublishResult | undefined, refused: Pending[]): void {
    const outcome = OUTCOMES[result?.outcome ?? PublishOutcome.UNSPECIFIED];
    if (outcome !== undefined) {
      this.#settle(entry);
      entry.resolve({ id: entry.message.id, outcome });
      return;
    }
    const error = resultError(result?.error, entry.message.id);
    if (error.retryable) {
      this.#lastError = error;
      refused.push(entry);
    } else {
      this.#fail(entry, error);
    }
  }

  #retryLater(entries: readonly Pending[]): void {
    let failures = 0;
    for (const entry of entries) failures = Math.max(failures, entry.refusals++);
    const timer = setTimeout(() => {
      this.#refused.delete(timer);
      for (const entry of entries) this.#again.push(entry);
      this.#schedule();
    }, backoffDelay(failures));
    this.#refused.set(timer, entries);
  }

  #broken(error: WaybillError, judged: boolean): void {
    this.#stream = undefined;
    this.#lastError = error;
    const carried = [...this.#inFlight.values()];
    const again = new Fifo<Pending>();
    for (const batch of carried) {
      this.#land(batch);
      for (const entry of batch.entries) again.push(entry);
    }
    if (judged && (error instanceof AccessError || again.length === 1)) {
      for (const batch of carried) this.#passSuspects(batch);
      for (const entry of again.drain()) this.#fail(entry, error);
    } else if (judged) {
      this.#suspects = again.length;
    }
    for (const entry of this.#again) again.push(entry);
    this.#again = again;
    if (this.#backlog.messages > 0) this.#reconnectLater();
  }

  #passSuspects(batch: Batch): void {
    this.#suspects = Math.max(0, this.#suspects - batch.entries.length);
  }

  #reconnectLater(): void {
    this.#reconnecting = setTimeout(() => {
      this.#reconnecting = undefined;
      this.#flush();
    }, this.#backoff.next());
  }

  #fail(entry: Pending, error: unknown): void {
    if (entry.done) return;
    this.#settle(entry);
    entry.reject(error);
  }

  #settle(entry: Pending): void {
    entry.done = true;
    entry.unlisten?.();
    this.#backlog.leave(entry);
    if (this.#backlog.messages === 0) this.#sweeper.hold(false);
  }

  #sweep(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const entry of this.#everything()) {
      if (entry.done) continue;
      if (entry.deadline <= now) this.#fail(entry, this.#late(entry));
      else if (entry.deadline < next) next = entry.deadline;
    }
    return next;
  }

  #late(entry: Pending): DeadlineError {
    const why = this.#lastError === undefined ? '' : ` (last: ${this.#lastError.message})`;
    return new DeadlineError(`the message was not confirmed before its deadline; it may have been accepted${why}`, {
      code: 'DEADLINE_EXCEEDED',
      reason: 'NOT_CONFIRMED',
      messageId: entry.message.id === '' ? undefined : entry.message.id,
      cause: this.#lastError,
    });
  }

  #rejectAll(): void {
    for (const entry of this.#everything()) {
      const id = entry.message.id === '' ? undefined : entry.message.id;
      this.#fail(entry, new ClosedError('the bus was closed before the message was confirmed', id));
    }
  }

  *#everything(): Iterable<Pending> {
    for (const batch of this.#inFlight.values()) yield* batch.entries;
    for (const refused of this.#refused.values()) yield* refused;
    yield* this.#again;
    yield* this.#waiting;
  }
}

const OUTCOMES: Readonly<Record<PublishOutcome, Outcome | undefined>> = {
  [PublishOutcome.UNSPECIFIED]: undefined,
  [PublishOutcome.ACCEPTED]: 'accepted',
  [PublishOutcome.SCHEDULED]: 'scheduled',
  [PublishOutcome.PARKED]: 'parked',
  [PublishOutcome.DUPLICATE]: 'duplicate',
};

function messageOf(entry: Pending): Outgoing {
  return entry.message;
}
