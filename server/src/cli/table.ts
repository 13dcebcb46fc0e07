import { painter, type Screen, tame, widthOf } from './terminal.js';

export interface Column<T> {
  readonly title: string;
  readonly of: (row: T) => string | number;
  /** Numbers stand to the right. */
  readonly right?: boolean;
  /** May be cut at its end, with `…`, where the terminal is too narrow. */
  readonly cut?: boolean;
}

const GAP = '  ';
const LEAST = 8;

/** Rows in columns as wide as they need, or as the screen lets them. Ends with a line break. */
export function renderTable<T>(columns: readonly Column<T>[], rows: readonly T[], screen: Screen): string {
  const paint = painter(screen);
  const cells = rows.map((row) => columns.map(({ of }) => tame(String(of(row)))));
  const titles = columns.map(({ title }) => title);
  const wanted = titles.map((title, at) => Math.max(...[title, ...cells.map((row) => row[at] ?? '')].map(lengthOf)));
  const widths = fit(columns, wanted, widthOf(screen));
  const line = (texts: readonly string[]) =>
    texts
      .map((text, at) => {
        const width = widths[at] ?? 0;
        const shown = cut(text, width);
        const gap = ' '.repeat(Math.max(0, width - lengthOf(shown)));
        return columns[at]?.right === true ? `${gap}${shown}` : `${shown}${gap}`;
      })
      .join(GAP)
      .trimEnd();
  return [paint('bold', line(titles)), ...cells.map(line)].map((text) => `${text}\n`).join('');
}

/** Takes from the widest that may be cut, again and again, until all fit or none can give more. */
function fit(columns: readonly Column<never>[], wanted: readonly number[], width: number): number[] {
  const widths = [...wanted];
  let over = widths.reduce((sum, each) => sum + each, GAP.length * (widths.length - 1)) - width;
  while (over > 0) {
    const widest = widths.reduce(
      (best, each, at) => (columns[at]?.cut === true && each > (best < 0 ? LEAST : (widths[best] ?? 0)) ? at : best),
      -1,
    );
    if (widest < 0) return widths;
    widths[widest] = (widths[widest] ?? 0) - 1;
    over--;
  }
  return widths;
}

function cut(text: string, width: number): string {
  return lengthOf(text) <= width ? text : `${[...text].slice(0, width - 1).join('')}…`;
}

function lengthOf(text: string): number {
  return [...text].length;
}
