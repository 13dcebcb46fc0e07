const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const local = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

/** In the operator's own zone. */
export function localTime(ms: number): string {
  return local.format(ms);
}

/** `2026-01-31 09:30:00.125 UTC` */
export function utcTime(ms: number): string {
  return `${new Date(ms).toISOString().replace('T', ' ').replace('Z', '')} UTC`;
}

/** `in 3 min`, `12 s ago`, `now`. */
export function relativeTime(ms: number, nowMs: number): string {
  const distance = Math.round((ms - nowMs) / SECOND) * SECOND;
  if (distance === 0) return 'now';
  const text = duration(Math.abs(distance));
  return distance > 0 ? `in ${text}` : `${text} ago`;
}

/** The largest unit, and the next one where it still matters: `850 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`, `4 d 2 h`. */
export function duration(ms: number): string {
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND) return `${trimmed(ms / SECOND)} s`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return pair(ms, MINUTE, 'min', SECOND, 's');
  if (ms < DAY) return pair(ms, HOUR, 'h', MINUTE, 'min');
  return pair(ms, DAY, 'd', HOUR, 'h');
}

function pair(ms: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((ms % large) / small);
  const first = `${Math.floor(ms / large)} ${largeUnit}`;
  return rest === 0 ? first : `${first} ${rest} ${smallUnit}`;
}

function trimmed(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}

/** What `<input type="datetime-local">` takes, in the operator's zone; empty for 0. */
export function toLocalInput(ms: number): string {
  if (ms === 0) return '';
  const date = new Date(ms - new Date(ms).getTimezoneOffset() * MINUTE);
  return date.toISOString().slice(0, 19);
}

/** 0 when nothing was entered, or nothing that is a time. */
export function fromLocalInput(text: string): number {
  const ms = text === '' ? 0 : new Date(text).getTime();
  return Number.isNaN(ms) ? 0 : ms;
}

/** Unix milliseconds of a time in a URL; 0 where there is none. */
export function msOf(time: string | undefined): number {
  const ms = time === undefined ? 0 : Date.parse(time);
  return Number.isNaN(ms) ? 0 : ms;
}

/** For a URL: in UTC, so that it means the same to whoever it is sent to. Empty for 0. */
export function isoOf(ms: number): string {
  return ms === 0 ? '' : new Date(ms).toISOString();
}

/** `90`, `90s`, `15m`, `2h`, `1d 12h`: milliseconds; undefined for anything else. A bare number is seconds. */
export function parseDuration(text: string): number | undefined {
  const trimmedText = text.trim();
  if (!/^(\d+(\.\d+)?\s*(ms|s|m|min|h|d)?\s*)+$/.test(trimmedText)) return undefined;
  let total = 0;
  for (const [, value = '', unit = 's'] of trimmedText.matchAll(/(\d+(?:\.\d+)?)\s*(ms|min|s|m|h|d)?/g)) {
    total += Number(value) * (UNITS[unit] ?? SECOND);
  }
  return Math.round(total);
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: SECOND, m: MINUTE, min: MINUTE, h: HOUR, d: DAY };
