import { stripVTControlCharacters } from 'node:util';

export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** How wide a line may be; a file or a pipe has no edge. */
export function widthOf(screen: Screen): number {
  return screen.isTTY === true && screen.columns !== undefined && screen.columns > 0
    ? screen.columns
    : Number.POSITIVE_INFINITY;
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';
const CODES: Readonly<Record<Style, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 };

/** Colour only for a person: never in a pipe, nor with NO_COLOR or a terminal that has none. */
export function painter(screen: Screen, env: NodeJS.ProcessEnv = process.env): (style: Style, text: string) => string {
  const colours = screen.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  return (style, text) => (colours ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text);
}

/** Text that somebody else wrote (a reason, a body), on one line and without power over the terminal. */
export function tame(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  return stripVTControlCharacters(text).replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ');
}
