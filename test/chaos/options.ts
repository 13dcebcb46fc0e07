import { parseArgs } from 'node:util';
import type { Engine } from '../support/gateway.js';
import type { Length } from './stage.js';

export interface Options {
  /** Names of scenarios; empty for all. */
  readonly only: readonly string[];
  /** Undefined: both. */
  readonly engine: Engine | undefined;
  readonly length: Length;
  /** Also writes the rows here, as JSON. */
  readonly json: string | undefined;
  readonly help: boolean;
}

/** Arguments that mean nothing here; the message says which. */
export class UsageError extends Error {}

export function parseOptions(args: readonly string[], names: readonly string[]): Options {
  const { only = '', engine, short, json, help } = parsed(args);
  const chosen = only.split(',').filter((name) => name !== '');
  const unknown = chosen.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new UsageError(`--only: there is no scenario ${unknown.join(', ')}; see --help`);
  if (engine !== undefined && engine !== 'embedded' && engine !== 'cluster') {
    throw new UsageError(`--engine: ${engine} is neither embedded nor cluster`);
  }
  return { only: chosen, engine, length: short ? 'short' : 'full', json, help };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        engine: { type: 'string' },
        short: { type: 'boolean', default: false },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
