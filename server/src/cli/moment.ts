import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `500ms`, `10s`, `5m`, `1.5h`, `7d`, for commander; whole milliseconds. */
export function duration(text: string): number {
  const ms = milliseconds(text);
  if (ms === undefined) throw new InvalidArgumentError('It takes a number with ms, s, m, h or d: 30s.');
  return ms;
}

/** A time that has passed: a length of time ago (`1h`), or a date. Unix milliseconds. */
export function past(text: string, _?: unknown, now = Date.now()): number {
  const ago = milliseconds(text);
  return ago === undefined ? date(text) : now - ago;
}

/** A date and time as JavaScript reads it: `2031-05-01T12:00:00Z`, or `2031-05-01`. Unix milliseconds. */
export function date(text: string): number {
  const time = /^\d{4}-/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw new InvalidArgumentError('It takes a time: 15m, 2031-05-01 or 2031-05-01T12:00:00Z.');
  return time;
}

/** For a table; `-` where there is none. */
export function timeText(ms: bigint | number): string {
  return Number(ms) === 0 ? '-' : new Date(Number(ms)).toISOString().replace('T', ' ').replace(/Z$/, '');
}

/** `3s`, `5m 10s`, `2h 4m`, `3d 1h`; `-` for a time that is not known. */
export function ageText(ms: bigint | number, now = Date.now()): string {
  if (Number(ms) === 0) return '-';
  const seconds = Math.max(0, Math.round((now - Number(ms)) / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h ${Math.floor((seconds % 3_600) / 60)}m`;
  return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds % 86_400) / 3_600)}h`;
}

function milliseconds(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = UNITS[unit];
  return number === undefined || factor === undefined ? undefined : Math.round(Number(number) * factor);
}
