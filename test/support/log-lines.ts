import type { Gateway } from './gateway.js';

/** What a gateway said in its log, one line. */
export interface LogLine {
  /** Unix milliseconds. */
  readonly at: number;
  readonly msg: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The lines of a gateway with these words, in order, over all its starts. */
export function linesOf(gateway: Gateway, msg: string): LogLine[] {
  return gateway
    .log()
    .split('\n')
    .filter((line) => line.includes(`"msg":"${msg}"`))
    .map(parse);
}

function parse(line: string): LogLine {
  const fields: Record<string, unknown> = JSON.parse(line);
  return { at: Date.parse(String(fields.time)), msg: String(fields.msg), fields };
}
