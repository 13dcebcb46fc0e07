import { InvalidArgumentError } from './errors.js';

/** A length of time: milliseconds, or a number with its unit: `'250ms'`, `'30s'`, `'5m'`, `'1.5h'`, `'7d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const LIMIT = "milliseconds, or a number with ms, s, m, h or d: 1500, '5m'";

/** Whole milliseconds. Throws InvalidArgumentError, naming `field`, for what is no duration or lies outside `min` to `max` milliseconds. */
export function milliseconds(
  duration: Duration,
  field: string,
  min = 0,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  const value = typeof duration === 'number' ? duration : parse(duration);
  if (!Number.isFinite(value)) throw outOfRange(field, duration, LIMIT);
  const rounded = Math.round(value);
  if (rounded < min || rounded > max) throw outOfRange(field, duration, `${min} to ${max} ms`);
  return rounded;
}

/** Whole seconds, rounded up, as leases are counted. */
export function seconds(duration: Duration, field: string, min: number, max: number): number {
  return Math.ceil(milliseconds(duration, field, min * 1_000, max * 1_000) / 1_000);
}

function parse(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  return match === null ? Number.NaN : Number(match[1]) * (UNITS[match[2] ?? ''] ?? Number.NaN);
}

function outOfRange(field: string, value: unknown, limit: string): InvalidArgumentError {
  return new InvalidArgumentError(`${field} is ${JSON.stringify(value)}: it takes ${limit}`, {
    code: 'INVALID_ARGUMENT',
    reason: 'DURATION_INVALID',
    field,
    limit,
  });
}
