import type { Agenda, Appointment } from './agenda.js';
import type { Clock } from './clock.js';

/** A channel whose consumers are slower than its publishers. */
export interface SlowChannel {
  /** The topic or pattern that it subscribes to. */
  readonly topic: string;
  readonly channel: string;
  /** Messages in its queue, which is full. */
  readonly waiting: number;
  /** Publishes that wait for room. */
  readonly blocked: number;
  /** Messages that it has not taken so far, as the queue was full. */
  readonly discarded: number;
}

/** Watches a full queue: says so once a timeout, and never for each message. */
export class Slowness implements Appointment {
  dueAt = 0;
  place = -1;
  order = 0;
  #timeoutMs = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(
    readonly agenda: Agenda,
    readonly clock: Clock,
    readonly tell: () => void,
  ) {}

  /** A publish waits. */
  begin(timeoutMs: number): void {
    this.#timeoutMs = timeoutMs;
    if (this.place < 0) this.agenda.add(this, this.clock.now() + timeoutMs);
  }

  /** Nobody waits any more. */
  end(): void {
    if (this.place >= 0) this.agenda.remove(this);
  }

  /** A message was not taken: nobody waits, so this is told at once. */
  discarded(timeoutMs: number): void {
    const now = this.clock.now();
    if (now - this.#toldAt < timeoutMs) return;
    this.#toldAt = now;
    this.tell();
  }

  due(): void {
    this.#toldAt = this.clock.now();
    this.agenda.add(this, this.#toldAt + this.#timeoutMs);
    this.tell();
  }
}

export function warnOfSlowConsumer({ topic, channel, waiting, blocked, discarded }: SlowChannel): void {
  const effect = blocked > 0 ? `${blocked} publishes wait for room` : `${discarded} messages were discarded so far`;
  process.emitWarning(`the channel "${channel}" of "${topic}" is full: ${waiting} messages wait for it, ${effect}`, {
    type: 'SlowConsumerWarning',
    code: 'WAYBILL_SLOW_CONSUMER',
    detail: 'Make its handler faster, or raise its concurrency or queueSize, or set discardOnBlocking.',
  });
}
