/** One thing that is wrong with the configuration. */
export interface Problem {
  /** `config.yaml:12`, or `environment`. */
  readonly where: string;
  /** Empty when no key is to blame, as with malformed YAML. */
  readonly key: string;
  /** As it was written; secrets are masked. */
  readonly value: string;
  /** What is wrong, with the limit. */
  readonly fault: string;
  /** What to do about it; may be empty. */
  readonly suggestion: string;
}

/** Everything that is wrong with the configuration, at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly Problem[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super([`the configuration has ${count}`, ...problems.map(sentence)].join('\n  '));
  }
}

function sentence({ where, key, value, fault, suggestion }: Problem): string {
  const subject = [key, value === '' ? '' : quoted(value)].filter((part) => part !== '').join(' ');
  const parts = [where, subject, fault].filter((part) => part !== '').join(': ');
  return suggestion === '' ? parts : `${parts}; ${suggestion}`;
}

/** On one line, whatever the value holds. */
function quoted(value: string): string {
  return JSON.stringify(value.length > 120 ? `${value.slice(0, 120)}…` : value);
}
