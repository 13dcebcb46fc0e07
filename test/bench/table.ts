import { belowFloor, type Figure, type Line } from './figures.js';

const HEADER = ['', 'Waybill', 'peer', 'ratio', 'floor', ''];

/** The lines as a table in Markdown, which is as easy to read in a terminal. */
export function table(lines: readonly Line[]): string {
  const rows = lines.map((line) => [
    `${line.name}, ${line.unit}`,
    figure(line, line.ours),
    figure(line, line.peer),
    `${line.ratio.toFixed(2)} ×`,
    line.floor === null ? '' : `${line.floor} ×`,
    belowFloor(line) ? 'below floor' : '',
  ]);
  const widths = HEADER.map((title, column) =>
    Math.max(3, ...[title, ...rows.map((row) => row[column] ?? '')].map(length)),
  );
  const print = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => `${'-'.repeat(width + 1)}${isNumber(column) ? ':' : '-'}`).join('|')}|`;
  return [print(HEADER), rule, ...rows.map(print)].join('\n');
}

/** What `--json` writes. */
export function records(lines: readonly Line[]) {
  return lines.map(({ name, unit, ours, peer, ratio, floor }) => ({
    name,
    unit,
    ours: ours.median,
    peer: peer.median,
    ratio,
    floor,
  }));
}

function figure({ unit }: Line, { median, min, max }: Figure): string {
  const digits = unit === 'ms' ? 2 : 0;
  const text = (value: number) =>
    value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${text(median)} (${text(min)}–${text(max)})`;
}

function pad(cell: string, width: number, column: number): string {
  return isNumber(column) ? cell.padStart(width) : cell.padEnd(width);
}

function isNumber(column: number): boolean {
  return column >= 1 && column <= 4;
}

function length(text: string): number {
  return text.length;
}
