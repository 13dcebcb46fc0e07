const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** `12,345` */
export function count(value: number | bigint): string {
  return whole.format(value);
}

/** `1 message`, `12,345 messages`. */
export function counted(value: number | bigint, one: string, many = `${one}s`): string {
  return `${count(value)} ${Number(value) === 1 ? one : many}`;
}

/** A number for a narrow place: `980`, `12.3K`, `4.1M`. */
export function short(value: number | bigint): string {
  return Number(value) < 10_000 ? count(value) : compact.format(value);
}

/** A rate: one digit behind the point where it is small. */
export function rate(value: number): string {
  return value > 0 && value < 100 ? value.toFixed(1) : short(Math.round(value));
}

/** `512 B`, `3.2 KiB`, `4 MiB`. */
export function bytes(value: number | bigint): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let rest = Number(value);
  let unit = 0;
  while (rest >= 1024 && unit < units.length - 1) {
    rest /= 1024;
    unit++;
  }
  return `${unit === 0 ? rest : rest.toFixed(1).replace(/\.0$/, '')} ${units[unit]}`;
}
