import { Cron } from 'croner';
import { BusError } from './errors.js';

export const MAX_EXPRESSION_LENGTH = 128;
const MAX_ZONE_LENGTH = 64;
const EXPRESSION = 'minute hour day month weekday, or seconds before them, as in "*/5 * * * *"; up to 128 characters';
const SECOND_MS = 1_000;

/** When something is to happen again and again, by the clock of a time zone. Times are Unix milliseconds. */
export class CronSchedule {
  readonly #cron: Cron;

  private constructor(expression: string, zone: string) {
    // The clock's hour that daylight saving leaves out or repeats: a time of day runs once, an interval goes on.
    this.#cron = new Cron(expression, {
      timezone: zone,
      mode: '5-or-6-parts',
      fixedTimeRule: 'no-wildcard',
      paused: true,
    });
  }

  /** Throws CRON_INVALID, naming the field behind `prefix`. An empty zone is UTC. */
  static parse(expression: string, zone: string, prefix = ''): CronSchedule {
    checkZone(zone, `${prefix}time_zone`);
    const field = `${prefix}expression`;
    if (expression.length > MAX_EXPRESSION_LENGTH) throw invalid(field, EXPRESSION, 'is too long');
    try {
      return new CronSchedule(expression, zone === '' ? 'UTC' : zone);
    } catch (error) {
      throw invalid(field, EXPRESSION, error instanceof Error ? reasonOf(error.message) : 'cannot be read');
    }
  }

  /** The first after that time; undefined when none comes any more. */
  after(time: number): number | undefined {
    return this.#cron.nextRun(new Date(time))?.getTime();
  }

  /** The next ones, up to `count`. */
  upcoming(time: number, count: number): number[] {
    return this.#cron.nextRuns(count, new Date(time)).map((date) => date.getTime());
  }

  /** The last at that time or before it; undefined when there was none. */
  last(time: number): number | undefined {
    // What comes before the next second's begin, whose own run is too late.
    const runs = this.#cron.previousRuns(2, new Date(time + SECOND_MS));
    return runs.map((date) => date.getTime()).find((run) => run <= time);
  }
}

function checkZone(zone: string, field: string): void {
  if (zone === '') return;
  const limit = 'the name of a time zone, such as Europe/Berlin';
  // An offset such as +02:00 knows no daylight saving, and some versions of Node refuse it.
  if (zone.length > MAX_ZONE_LENGTH || !/^[A-Za-z]/.test(zone)) throw invalid(field, limit, 'names none');
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
  } catch {
    throw invalid(field, limit, `"${zone}" is not known`);
  }
}

/** The library's words, without its own name before them. */
function reasonOf(message: string): string {
  return message.replace(/^Cron\w*: /, '');
}

function invalid(field: string, limit: string, problem: string): BusError {
  return new BusError('CRON_INVALID', `${field} takes ${limit}: ${problem}`, { field, limit });
}
