import { parseArgs } from 'node:util';

export interface Options {
  /** Numbers of comparisons; empty for all. */
  readonly only: readonly number[];
  readonly rounds: number;
  /** What a round of the fastest comparison sends; slower ones send a share of it. */
  readonly messages: number;
  /** Measures a backlog and a schedule of so many messages instead of the comparisons. */
  readonly million: number | undefined;
  /** Fills a ledger with so many records and searches it instead. */
  readonly search: number | undefined;
  /** Keeps a gateway busy for so long instead, in milliseconds. */
  readonly soakMs: number | undefined;
  /** Also writes the figures here, as JSON. */
  readonly json: string | undefined;
  readonly help: boolean;
}

/** Arguments that mean nothing here; the message says which. */
export class UsageError extends Error {}

const MOST = 100_000_000;
const MILLION = '1000000';
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

export function parseOptions(args: readonly string[]): Options {
  const { only, rounds, messages, million, search, rows, soak, json, help } = parsed(args);
  const runs = [million !== undefined && '--million', search && '--search', soak !== undefined && '--soak'];
  const [first, second] = runs.filter((run) => run !== false);
  if (first !== undefined && second !== undefined) throw new UsageError(`${first} and ${second} are two runs`);
  return {
    only: only === undefined ? [] : only.split(',').map((text) => whole('only', text)),
    rounds: whole('rounds', rounds),
    messages: whole('messages', messages),
    million: million === undefined ? undefined : whole('million', million),
    search: search ? whole('rows', rows) : undefined,
    soakMs: soak === undefined ? undefined : milliseconds('soak', soak),
    json,
    help,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: withMillion(args),
      options: {
        only: { type: 'string' },
        rounds: { type: 'string', default: '5' },
        messages: { type: 'string', default: '60000' },
        million: { type: 'string' },
        search: { type: 'boolean', default: false },
        rows: { type: 'string', default: '10000000' },
        soak: { type: 'string' },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** `--million` alone means what it says. */
function withMillion(args: readonly string[]): string[] {
  return args.flatMap((arg, at) => {
    const next = args[at + 1];
    return arg === '--million' && (next === undefined || next.startsWith('-')) ? [arg, MILLION] : [arg];
  });
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= MOST) return value;
  throw new UsageError(`--${name}: ${text} is not a whole number from 1 to ${MOST}`);
}

function milliseconds(name: string, text: string): number {
  const [, number, unit = ''] = /^(\d+)([smh])$/.exec(text) ?? [];
  const value = Number(number) * (UNIT_MS[unit] ?? Number.NaN);
  if (value > 0) return value;
  throw new UsageError(`--${name}: ${text} is no duration such as 30s, 10m or 2h`);
}
