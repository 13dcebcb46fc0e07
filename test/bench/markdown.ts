/** A table in Markdown, which is as easy to read in a terminal. All columns but the first are numbers, unless `text` names them. */
export function markdown(header: readonly string[], rows: readonly string[][], text: readonly number[] = []): string {
  const isNumber = (column: number) => column > 0 && !text.includes(column);
  const widths = header.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const pad = (cell: string, column: number) => {
    const width = widths[column] ?? 0;
    return isNumber(column) ? cell.padStart(width) : cell.padEnd(width);
  };
  const print = (cells: readonly string[]) => `| ${cells.map(pad).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => `${'-'.repeat(width + 1)}${isNumber(column) ? ':' : '-'}`).join('|')}|`;
  return [print(header), rule, ...rows.map(print)].join('\n');
}
