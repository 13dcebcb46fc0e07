import { masked } from './mask.js';
import type { Problem } from './problem.js';
import { KEYS, type Key, SETTINGS } from './schema.js';

/** A value that somebody set, as text. */
export interface Entry {
  readonly key: Key;
  readonly text: string;
  /** `config.yaml:12`, or `environment`. */
  readonly where: string;
}

export interface Entries {
  readonly entries: readonly Entry[];
  /** In the order of the source. */
  readonly problems: readonly Problem[];
}

/** What the environment, or what stands for it, sets: variables with the exact name of a key. An empty one is not set. */
export function environmentEntries(env: Readonly<Record<string, string | undefined>>, where = 'environment'): Entries {
  const entries = KEYS.flatMap((key) => {
    const text = env[key];
    return text === undefined || text === '' ? [] : [{ key, text, where }];
  });
  return { entries, problems: entries.flatMap((entry) => check(entry) ?? []) };
}

/** What is wrong with the value, if anything. */
export function check({ key, text, where }: Entry): Problem | undefined {
  const { limit, parse } = SETTINGS[key];
  const parsed = parse(text);
  if ('value' in parsed) return undefined;
  return { where, key, value: masked(key, text), fault: `must be ${limit}`, suggestion: parsed.suggestion };
}
