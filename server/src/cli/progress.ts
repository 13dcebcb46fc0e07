import type { Screen } from './terminal.js';

export interface Progress {
  /** So many by now. */
  at(count: number): void;
  /** Takes the line away. */
  end(): void;
}

const WIDTH = 24;

/** A line on standard error that says how far long work is; nothing where nobody looks. */
export function progressOf(
  what: string,
  total: number | undefined,
  stream: Screen & { write(text: string): unknown } = process.stderr,
): Progress {
  if (stream.isTTY !== true) return { at: () => {}, end: () => {} };
  return {
    at: (count) =>
      stream.write(`\r\x1b[K${total === undefined || total === 0 ? '' : `${bar(count / total)} `}${what} ${count}`),
    end: () => stream.write('\r\x1b[K'),
  };
}

function bar(share: number): string {
  const full = Math.round(Math.min(1, share) * WIDTH);
  return `[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}]`;
}
