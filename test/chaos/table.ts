import { isSound, type Row } from './scenario.js';

const HEADER = [
  'scenario',
  'engine',
  'published OK',
  'acked',
  'dead',
  'lost',
  'duplicated',
  'after ack',
  'recovered after, s',
];

/** The rows as a table in Markdown, which is as easy to read in a terminal. */
export function table(rows: readonly Row[]): string {
  const cells = [HEADER, ...rows.map(cellsOf)];
  const widths = HEADER.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const print = (row: readonly string[]) =>
    `| ${row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column < 2 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  const [header = [], ...others] = cells;
  return [print(header), rule, ...others.map(print)].join('\n');
}

/** One row in words. */
export function line(row: Row): string {
  const { scenario, engine, published, acked, dead, lost, duplicated, afterAck } = row;
  const sound = isSound(row) ? '' : ' NOT SOUND';
  return (
    `${scenario} ${engine}: published ${published}, acked ${acked}, dead ${dead}, lost ${lost}, ` +
    `duplicated ${duplicated}, after ack ${afterAck}, recovered after ${seconds(row)} s${sound}`
  );
}

/** What `--json` writes. */
export function records(rows: readonly Row[]) {
  return rows.map(({ scenario, engine, published, acked, dead, lost, duplicated, recoveredSeconds }) => ({
    scenario,
    engine,
    published,
    acked,
    dead,
    lost,
    duplicated,
    recoveredSeconds,
  }));
}

function cellsOf(row: Row): string[] {
  const { scenario, engine, published, acked, dead, lost, duplicated, afterAck } = row;
  const counts = [published, acked, dead, lost, duplicated, afterAck];
  return [scenario, engine, ...counts.map((count) => count.toLocaleString('en-US')), seconds(row)];
}

function seconds({ recoveredSeconds }: Row): string {
  return recoveredSeconds === null ? '-' : recoveredSeconds.toFixed(1);
}
