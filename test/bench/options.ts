import { parseArgs } from 'node:util';

export interface Options {
  /** Numbers of comparisons; empty for all. */
  readonly only: readonly number[];
  readonly rounds: number;
  /** What a round of the fastest comparison sends; slower ones send a share of it. */
  readonly messages: number;
  /** Also writes the lines here, as JSON. */
  readonly json: string | undefined;
  readonly help: boolean;
}

/** Arguments that mean nothing here; the message says which. */
export class UsageError extends Error {}

const MOST = 100_000_000;

export function parseOptions(args: readonly string[]): Options {
  const { only, rounds, messages, json, help } = parsed(args);
  return {
    only: only === undefined ? [] : only.split(',').map((text) => whole('only', text)),
    rounds: whole('rounds', rounds),
    messages: whole('messages', messages),
    json,
    help,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        rounds: { type: 'string', default: '5' },
        messages: { type: 'string', default: '60000' },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= MOST) return value;
  throw new UsageError(`--${name}: ${text} is not a whole number from 1 to ${MOST}`);
}
