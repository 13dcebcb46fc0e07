import { CronSchedule } from '../model/cron-schedule.js';
import { BusError } from '../model/errors.js';
import type { Message } from '../model/message.js';
import { readIncoming, seal, withHeaders } from '../model/message-codec.js';
import type { TermsOf } from '../model/search-term.js';
import type { Clock } from '../ports/clock.js';
import type { CronEntry, CronReading, CronTicks } from '../ports/cron.js';
import type { Logger } from '../ports/logger.js';

interface Parts {
  readonly ticks: CronTicks;
  readonly termsOf: TermsOf;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Messages wait for this time. */
  readonly scheduled: (dueAt: number) => void;
}

export const CRON_HEADER = 'waybill-cron';
export const CRON_TIME_HEADER = 'waybill-cron-time';
/** A tick that is later than this was missed. Until then it is made up for: another gateway took over from one that was gone. */
const GRACE_MS = 60_000;
/** At a time, and at once: on midnight many are due, and each is a commit of its own. */
const BATCH = 20;
/** How long an entry is let be that could not be run. Less than the grace, so that a fault that passes costs no tick. */
const REST_MS = 30_000;

interface Resting extends CronReading {
  /** By the steady clock. */
  readonly until: number;
}

/**
 * Publishes what is to be published again and again. A tick becomes a message that waits in the schedule and is due at once, in one
 * commit with the entry's move to its next tick: from there on it is as safe as any delayed message.
 */
export class Cron {
  /** Those that could not be run, so that any number of them leaves room for the others. Another gateway finds out by itself. */
  #resting: Resting[] = [];

  constructor(private readonly parts: Parts) {}

  /** Makes the ticks that are due. Answers when the next one is, in milliseconds from now; undefined: none that is known of. */
  async runOnce(): Promise<number | undefined> {
    const { ticks, clock, scheduled } = this.parts;
    const now = clock.now();
    this.#resting = this.#resting.filter(({ until }) => until > clock.steady());
    const due = await ticks.due(now, BATCH, this.#resting);
    const outcomes = await Promise.allSettled(due.map((entry) => this.#tryToRun(entry, now)));
    if (outcomes.some((outcome) => outcome.status === 'fulfilled' && outcome.value)) scheduled(now);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    const next = await ticks.next(this.#resting);
    if (next === undefined) return undefined;
    return Math.max(due.length === 0 ? 1 : 0, next - clock.now());
  }

  /** As `#run`; rejects only with what is no fault of the entry. */
  async #tryToRun(entry: CronEntry, now: number): Promise<boolean> {
    const { clock, logger } = this.parts;
    try {
      return await this.#run(entry, now);
    } catch (error) {
      if (error instanceof BusError && error.retryable) throw error;
      const { name, number, updatedAt } = entry;
      logger.warn({ error, cron: name }, 'a cron entry could not be run; it is tried again');
      this.#resting.push({ number, updatedAt, until: clock.steady() + REST_MS });
      return false;
    }
  }

  /** True: a message was published. */
  async #run(entry: CronEntry, now: number): Promise<boolean> {
    const { ticks, termsOf, logger } = this.parts;
    const { nextAt } = entry;
    if (nextAt === undefined) return false;
    const schedule = CronSchedule.parse(entry.expression, entry.zone);
    const missed = now - nextAt > GRACE_MS;
    if (missed && entry.missed === 'skip') {
      logger.warn({ cron: entry.name, tick: nextAt }, 'ticks of a cron entry were missed, and are left out');
      await ticks.skip(entry, schedule.after(now - GRACE_MS - 1));
      return false;
    }
    const at = missed ? Math.max(nextAt, schedule.last(now) ?? nextAt) : nextAt;
    const message = messageOf(entry, `cron-${entry.name}-${entry.number}-${at}`, at, now);
    return ticks.fire(entry, { at, message, terms: termsOf(message), nextAt: schedule.after(at) });
  }
}

/** The entry's message for one tick. It is accepted when it is made, so its time to live begins then. */
function messageOf(entry: CronEntry, id: string, tick: number, now: number): Message {
  const raw = stamp(entry, tick);
  return seal(readIncoming(raw, 0, raw.length), id, now);
}

/** With the headers that tell of the entry and of the tick. */
export function stamp({ name, wire }: Pick<CronEntry, 'name' | 'wire'>, tick: number): Buffer {
  return withHeaders(wire, [
    [CRON_HEADER, name],
    [CRON_TIME_HEADER, new Date(tick).toISOString()],
  ]);
}
