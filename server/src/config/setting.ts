/** One key of the configuration: what it means, what it may be, and how its text is read. */
export interface Setting<T> {
  readonly type: 'boolean' | 'integer' | 'text' | 'choice';
  readonly group: Group;
  readonly default: T;
  /** What a number counts: `seconds`, `bytes`. */
  readonly unit?: string;
  /** The values that are allowed, in words that follow "must be". */
  readonly limit: string;
  /** Never printed or logged: a password, or a URL that may hold one. */
  readonly secret?: 'value' | 'url';
  /** One line of prose. */
  readonly doc: string;
  /** The key is accepted for old files and changes nothing; why. */
  readonly noEffect?: string;
  /** Reads the text of a value that is not empty. */
  parse(text: string): Parsed<T>;
}

/** `suggestion` says what to write in place of the wrong text. */
export type Parsed<T> = { readonly value: T } | { readonly suggestion: string };

export const GROUPS = [
  'Gateway',
  'Embedded engine',
  'RabbitMQ',
  'MySQL',
  'Redis',
  'Messages',
  'Security',
  'Logging',
] as const;
export type Group = (typeof GROUPS)[number];

type About<T> = Pick<Setting<T>, 'group' | 'default' | 'doc' | 'noEffect'>;

const TRUTH: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['on', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['off', false],
  ['0', false],
]);

export function boolean(about: About<boolean>): Setting<boolean> {
  return {
    ...about,
    type: 'boolean',
    limit: 'true or false',
    parse(text) {
      const value = TRUTH.get(text.trim().toLowerCase());
      return value === undefined ? { suggestion: `write ${about.default}` } : { value };
    },
  };
}

export function integer(about: About<number> & { min: number; max: number; unit?: string }): Setting<number> {
  const { min, max } = about;
  return {
    ...about,
    type: 'integer',
    limit: `a whole number from ${min} to ${max}`,
    parse(text) {
      const trimmed = text.trim();
      if (!/^[+-]?\d+$/.test(trimmed)) {
        const near = /^[+-]?\d+\.\d+$/.test(trimmed) ? Math.round(Number(trimmed)) : about.default;
        return { suggestion: `write ${Math.min(Math.max(near, min), max)}` };
      }
      const value = Number(trimmed);
      if (value < min) return { suggestion: `the least is ${min}` };
      if (value > max) return { suggestion: `the most is ${max}` };
      return { value };
    },
  };
}

interface TextLimit {
  readonly limit: string;
  accepts(text: string): boolean;
  readonly suggestion: string;
}

export function text(about: About<string> & TextLimit & { secret?: 'value' | 'url' }): Setting<string> {
  const { accepts, suggestion, ...rest } = about;
  return {
    ...rest,
    type: 'text',
    parse(text) {
      if (hasControlCharacter(text)) return { suggestion: 'take out the line break or control character' };
      return accepts(text) ? { value: text } : { suggestion };
    },
  };
}

export function choice<const T extends string>(about: About<NoInfer<T>> & { choices: readonly T[] }): Setting<T> {
  const { choices, ...rest } = about;
  return {
    ...rest,
    type: 'choice',
    limit: choices.join(' or '),
    parse(text) {
      const value = choices.find((name) => name === text.trim().toLowerCase());
      return value === undefined ? { suggestion: `write ${about.default}` } : { value };
    },
  };
}

function hasControlCharacter(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 32 || code === 127) return true;
  }
  return false;
}
