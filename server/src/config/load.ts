import { existsSync } from 'node:fs';
import { type Entry, environmentEntries } from './entry.js';
import { readEntries } from './file.js';
import { ConfigError, type Problem } from './problem.js';
import { type Config, KEYS, type Key, SETTINGS } from './schema.js';

export interface LoadOptions {
  /** The file to read, as `--config` names it; it must exist. Without it: `WAYBILL_CONFIG`, `./config.yaml`, `/config.yaml`. */
  readonly file?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What problems with `env` are blamed on. */
  readonly envName?: string;
  /** Looked for in turn when nothing names a file; none of them need exist. */
  readonly defaultFiles?: readonly string[];
}

export interface Loaded {
  readonly config: Config;
  /** The file that was read, if any. */
  readonly file: string | undefined;
  /** Where each value that is not the default comes from: `config.yaml:12` or `environment`. */
  readonly sources: ReadonlyMap<Key, string>;
  /** To be logged once, at info: keys that were set and have no effect. */
  readonly notes: readonly Note[];
}

export interface Note {
  readonly key: Key;
  readonly where: string;
  readonly text: string;
}

/** A key, and another without which it would do less than it says. */
const NEEDED: readonly (readonly [Key, Key])[] = [
  ['TlsCert', 'TlsKey'],
  ['TlsKey', 'TlsCert'],
  ['TlsClientCa', 'TlsCert'],
  ['JwtJwksUrl', 'JwtIssuer'],
  ['JwtJwksUrl', 'JwtAudience'],
  ['JwtJwksFile', 'JwtIssuer'],
  ['JwtJwksFile', 'JwtAudience'],
];

const DEFAULT_FILES = ['./config.yaml', '/config.yaml'];

/** The configuration from file and environment, which wins. Throws ConfigError with everything that is wrong. */
export function load({ file, env = process.env, envName, defaultFiles = DEFAULT_FILES }: LoadOptions = {}): Loaded {
  const named = file ?? (env.WAYBILL_CONFIG || undefined);
  const path = named ?? defaultFiles.find((candidate) => existsSync(candidate));
  const fromFile = path === undefined ? { entries: [], problems: [] } : readEntries(path);
  const fromEnvironment = environmentEntries(env, envName);
  // A wrong line of the file is an error even where the environment wins: it would lie in wait for the day it does not.
  const problems = [...fromFile.problems, ...fromEnvironment.problems];
  const entries = new Map<Key, Entry>();
  for (const entry of [...fromFile.entries, ...fromEnvironment.entries]) entries.set(entry.key, entry);

  const values: Partial<{ -readonly [K in Key]: Config[K] }> = {};
  for (const key of KEYS) set(values, key, entries.get(key)?.text);
  if (!isComplete(values)) throw new ConfigError(problems);
  problems.push(...checkTogether(values, entries, new Set(problems.map(({ key }) => key))));
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    config: values,
    file: path,
    sources: new Map(Array.from(entries.values(), ({ key, where }) => [key, where])),
    notes: Array.from(entries.values()).flatMap(note),
  };
}

/** Every key at its default. */
export const DEFAULTS: Config = load({ env: {}, defaultFiles: [] }).config;

function set<K extends Key>(values: Partial<{ -readonly [P in Key]: Config[P] }>, key: K, text: string | undefined) {
  const setting = SETTINGS[key];
  const parsed = text === undefined ? undefined : setting.parse(text);
  values[key] = parsed !== undefined && 'value' in parsed ? parsed.value : setting.default;
}

function isComplete(values: Partial<Config>): values is Config {
  return KEYS.every((key) => values[key] !== undefined);
}

/** The limits that hold between two keys; nothing is said of a key that is wrong by itself. */
function checkTogether(config: Config, entries: ReadonlyMap<Key, Entry>, wrong: ReadonlySet<string>): Problem[] {
  const problems: Problem[] = [];
  const report = (key: Key, other: Key, fault: string, suggestion: string) => {
    if (wrong.has(key) || wrong.has(other)) return;
    const where = entries.get(key)?.where ?? entries.get(other)?.where ?? 'default';
    problems.push({ where, key, value: String(config[key]), fault, suggestion });
  };
  if (config.RpcPort === config.HttpPort && config.RpcPort !== 0) {
    report('HttpPort', 'RpcPort', 'must not be the RpcPort', 'give one of them another port');
  }
  if (config.MaxPendingPublishBytes < config.MaxMessageBytes) {
    const least = config.MaxMessageBytes;
    report('MaxPendingPublishBytes', 'MaxMessageBytes', `must be at least MaxMessageBytes, ${least}`, `write ${least}`);
  }
  for (const [key, other] of NEEDED) {
    if (config[key] !== '' && config[other] === '') report(key, other, `needs ${other}`, `set ${other}`);
  }
  if (config.JwtJwksUrl !== '' && config.JwtJwksFile !== '') {
    report('JwtJwksFile', 'JwtJwksUrl', 'must not be set beside JwtJwksUrl', 'keep one of them');
  }
  return problems;
}

function note({ key, where }: Entry): Note[] {
  const { noEffect } = SETTINGS[key];
  return noEffect === undefined ? [] : [{ key, where, text: `${key} has no effect: ${noEffect}` }];
}
