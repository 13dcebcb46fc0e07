import type { Frame, Message } from '../model/message.js';
import type { TermsOf } from '../model/search-term.js';
import type { Broker, Destination, Routing } from '../ports/broker.js';
import type { Clock } from '../ports/clock.js';
import type { Logger } from '../ports/logger.js';
import type { Due, Schedule } from '../ports/schedule.js';
import type { Telemetry } from '../ports/telemetry.js';
import type { Channels } from './channels.js';
import type { LaneOptions } from './lane.js';
import type { Tally } from './tally.js';

interface Parts {
  readonly broker: Broker;
  readonly schedule: Schedule;
  readonly channels: Channels;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly tally: Tally;
  readonly termsOf: TermsOf;
}

/** How long a claim holds: after a crash or a fault, its messages go on after this long. */
export const CLAIM_MS = 10_000;

/**
 * Brings claimed messages from the schedule to the broker. Every copy is marked to be verified: a crash between the broker's
 * confirm and the settle of the claim makes a second one, which the ledger then drops.
 */
export class Releaser {
  constructor(
    private readonly parts: Parts,
    private readonly options: LaneOptions,
  ) {}

  /** Whether there is a broker to bring them to. */
  get ready(): boolean {
    return this.parts.broker.health() === undefined;
  }

  /** Answers how many were published. */
  async release(batch: readonly Due[]): Promise<number> {
    const now = this.parts.clock.now();
    const expired = batch.filter(({ message }) => message.expiresAt !== 0 && message.expiresAt <= now);
    const living = expired.length === 0 ? batch : batch.filter((due) => !expired.includes(due));
    const work = [...byDestination(living)].map((group) => this.#publish(group));
    if (expired.length > 0) work.push(this.#expire(expired));
    const counts = await Promise.all(work);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async #publish(batch: readonly Due[]): Promise<number> {
    const first = batch[0];
    if (first === undefined) return 0;
    const to = await this.#destination(first);
    if (to === undefined) return 0;
    const published: Due[] = [];
    const parked: Due[] = [];
    const frames = [...this.#frames(batch)];
    await Promise.all(
      frames.map(async (frame) => {
        const routing = await this.#send(
          frame.map((due) => due.message),
          to,
        );
        if (routing === 'routed') published.push(...frame);
        else if (routing === 'unroutable') parked.push(...frame);
      }),
    );
    if (published.length > 0) {
      this.#noteLateness(published);
      await this.#settle(published, 'published');
    }
    if (parked.length > 0) await this.#settle(parked, 'parked');
    return published.length;
  }

  async #expire(expired: readonly Due[]): Promise<number> {
    await this.#settle(expired, 'expired');
    for (const { channel, message } of expired) this.parts.tally.expiredWaiting(channel, message);
    return 0;
  }

  #noteLateness(published: readonly Due[]): void {
    const now = this.parts.clock.now();
    const { lateness } = this.parts.telemetry.meters;
    for (const { dueAt } of published) if (dueAt > 0) lateness.observe(Math.max(0, now - dueAt) / 1000);
  }

  async #destination(due: Due): Promise<Destination | undefined> {
    if (due.channel === undefined) return { topic: due.message.topic };
    const channel = await this.parts.channels.find(due.channel);
    return channel === undefined ? undefined : { channel };
  }

  /** Undefined when the outcome is not known: the claim runs out, and they go again. */
  async #send(messages: readonly Message[], to: Destination): Promise<Routing | undefined> {
    const frame: Frame = { topic: messages[0]?.topic ?? '', messages, verify: true };
    const sent = this.parts.telemetry.watch?.sending(frame);
    try {
      const routing = await this.parts.broker.publish(frame, to);
      sent?.(undefined);
      if (routing === 'routed' || !('channel' in to)) return routing;
      // Somebody deleted the channel's queue: the ledger still knows the channel, so it is made again.
      await this.parts.broker.declare(to.channel);
      return (await this.parts.broker.publish(frame, to)) === 'routed' ? 'routed' : undefined;
    } catch (error) {
      sent?.(error);
      this.parts.logger.debug({ error, topic: frame.topic }, 'due messages could not be published; they go again');
      return undefined;
    }
  }

  /** A retry frame goes to one channel but may be of several topics, and a frame is of one. */
  *#frames(batch: readonly Due[]): Generator<Due[]> {
    let frame: Due[] = [];
    let bytes = 0;
    for (const due of batch) {
      const { topic, wire } = due.message;
      const full = frame.length >= this.options.frameMessages || bytes + wire.length > this.options.frameBytes;
      if (frame.length > 0 && (full || frame[0]?.message.topic !== topic)) {
        yield frame;
        frame = [];
        bytes = 0;
      }
      frame.push(due);
      bytes += wire.length;
    }
    if (frame.length > 0) yield frame;
  }

  #isIndexed({ channel, message }: Due): boolean {
    return channel === undefined && this.parts.termsOf(message) !== undefined;
  }

  #settle(batch: readonly Due[], how: 'published' | 'parked' | 'expired'): Promise<void> {
    return this.parts.schedule.settle(
      batch.map((due) => ({ due, how, indexed: this.#isIndexed(due) })),
      this.parts.clock.now(),
    );
  }
}

function byDestination(batch: readonly Due[]): Iterable<Due[]> {
  const groups = new Map<string, Due[]>();
  for (const due of batch) {
    const key = due.channel === undefined ? due.message.topic : `/${due.channel}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [due]);
    else group.push(due);
  }
  return groups.values();
}
