import { CronSchedule } from '../../model/cron-schedule.js';
import { BusError } from '../../model/errors.js';
import { readIncoming } from '../../model/message-codec.js';
import type { Clock } from '../../ports/clock.js';
import type { CronBook, CronDraft, CronEntry } from '../../ports/cron.js';
import type { Page, PageAsk } from '../../ports/page.js';
import type { Bus } from '../bus.js';
import { stamp } from '../cron.js';
import type { Sight } from './sight.js';

/** An entry as an operator wants it. */
export type CronWish = Omit<CronDraft, 'nextAt'>;

interface Parts {
  readonly bus: Bus;
  readonly cron: CronBook;
  readonly clock: Clock;
}

/** What is published again and again, for an operator. All that name an entry throw CRON_NOT_FOUND. */
export class CronDesk {
  constructor(private readonly parts: Parts) {}

  /** Those whose topics are in sight: a page ends with one of them, so that where it goes on names no other. */
  async list(
    filter: { readonly topic: string; readonly prefix: string },
    ask: PageAsk,
    sight: Sight,
  ): Promise<Page<CronEntry>> {
    const seen: CronEntry[] = [];
    let after = ask.from?.id ?? '';
    while (seen.length <= ask.limit) {
      const found = await this.parts.cron.list({ ...filter, after }, ask.limit + 1);
      seen.push(...found.filter(({ topic }) => sight.topic(topic)));
      const last = found.at(-1);
      if (last === undefined || found.length <= ask.limit) break;
      after = last.name;
    }
    const rows = seen.slice(0, ask.limit);
    const last = seen.length > ask.limit ? rows.at(-1) : undefined;
    return { rows, next: last && { time: 0, channel: 0, topic: 0, id: last.name } };
  }

  /** What is out of sight is not there; so with all that name an entry. */
  async get(name: string, sight: Sight): Promise<CronEntry> {
    const entry = await this.parts.cron.find(name);
    return found(name, entry !== undefined && sight.topic(entry.topic) ? entry : undefined);
  }

  /** Throws CRON_EXISTS; and, as `update`, CRON_INVALID and whatever is wrong with the message. `field` names the wish in errors. */
  async create(name: string, wish: CronWish, paused: boolean, field: string): Promise<CronEntry> {
    const now = this.parts.clock.now();
    const entry = await this.parts.cron.add(name, this.#draft(name, wish, now, field), { paused, now });
    if (entry !== undefined) return entry;
    throw new BusError('CRON_EXISTS', `there is a cron entry "${name}" already`, { field: `${field}.name` });
  }

  async update(name: string, wish: CronWish, field: string, sight: Sight): Promise<CronEntry> {
    await this.get(name, sight);
    const now = this.parts.clock.now();
    return found(name, await this.parts.cron.replace(name, this.#draft(name, wish, now, field), now));
  }

  async remove(name: string, sight: Sight): Promise<void> {
    await this.get(name, sight);
    if (!(await this.parts.cron.remove(name))) throw notFound(name);
  }

  async pause(name: string, paused: boolean, sight: Sight): Promise<CronEntry> {
    const entry = await this.get(name, sight);
    // Safe to repeat: a tick that is due at this moment is not lost to a second resume.
    if (entry.paused === paused) return entry;
    const now = this.parts.clock.now();
    const nextAt = paused ? undefined : CronSchedule.parse(entry.expression, entry.zone).after(now);
    return found(name, await this.parts.cron.pause(name, paused, nextAt, now));
  }

  /** Answers the message's id. `until` is in Unix milliseconds. */
  async run(name: string, until: number, sight: Sight): Promise<string> {
    const entry = await this.get(name, sight);
    const raw = stamp(entry, this.parts.clock.now());
    const [result] = await this.parts.bus.publish([readIncoming(raw, 0, raw.length)], 'entry', until);
    if (result?.error !== undefined) throw result.error;
    return result?.id ?? '';
  }

  /** The next times of an expression, up to `count`, from `after` on; 0: now. */
  preview(expression: string, zone: string, after: number, count: number): number[] {
    return CronSchedule.parse(expression, zone).upcoming(after === 0 ? this.parts.clock.now() : after, count);
  }

  #draft(name: string, wish: CronWish, now: number, field: string): CronDraft {
    const nextAt = CronSchedule.parse(wish.expression, wish.zone, `${field}.`).after(now);
    if (nextAt === undefined) {
      const limit = 'an expression that comes true';
      throw new BusError('CRON_INVALID', `${field}.expression takes ${limit}: this one never does`, {
        field: `${field}.expression`,
        limit,
      });
    }
    const raw = stamp({ name, wire: wish.wire }, nextAt);
    this.parts.bus.rules.check(readIncoming(raw, 0, raw.length), field, now);
    return { ...wish, nextAt };
  }
}

function found(name: string, entry: CronEntry | undefined): CronEntry {
  if (entry === undefined) throw notFound(name);
  return entry;
}

function notFound(name: string): BusError {
  return new BusError('CRON_NOT_FOUND', `there is no cron entry "${name}"`, { field: 'name' });
}
