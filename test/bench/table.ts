import { belowFloor, type Figure, type Line } from './figures.js';
import { markdown } from './markdown.js';

const HEADER = ['', 'Waybill', 'peer', 'ratio', 'floor', ''];

/** The lines as a table. */
export function table(lines: readonly Line[]): string {
  const rows = lines.map((line) => [
    `${line.name}, ${line.unit}`,
    figure(line, line.ours),
    line.published ? `${number(line, line.peer.median)} (published)` : figure(line, line.peer),
    `${line.ratio.toFixed(2)} ×`,
    line.floor === null ? '' : `${line.floor} ×`,
    belowFloor(line) ? 'below floor' : '',
  ]);
  return markdown(HEADER, rows, [HEADER.length - 1]);
}

/** What `--json` writes. */
export function records(lines: readonly Line[]) {
  return lines.map(({ name, unit, ours, peer, published, ratio, floor }) => ({
    name,
    unit,
    ours: ours.median,
    peer: peer.median,
    published,
    ratio,
    floor,
  }));
}

function figure(line: Line, { median, min, max }: Figure): string {
  return `${number(line, median)} (${number(line, min)}–${number(line, max)})`;
}

function number({ unit }: Line, value: number): string {
  const digits = unit === 'ms' ? 2 : 0;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
