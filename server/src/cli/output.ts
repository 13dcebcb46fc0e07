import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { type Found, MORE } from './pages.js';
import { type Plain, plain } from './plain.js';
import { type Column, renderTable } from './table.js';

export interface OutputFlags {
  readonly json?: boolean;
}

/** One JSON object on a line of its own. */
export function printJson(value: Plain): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** What a command says beside its answer. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function printTable<T>(columns: readonly Column<T>[], rows: readonly T[], none: string): void {
  if (rows.length === 0) note(none);
  else process.stdout.write(renderTable(columns, rows, process.stdout));
}

/** Names with their values, one a line. */
export function printFields(fields: readonly (readonly [name: string, value: string | number])[]): void {
  const width = Math.max(...fields.map(([name]) => name.length));
  for (const [name, value] of fields) printLine(`${name.padEnd(width)}  ${value}`);
}

export interface Listing<T extends DescMessage> {
  /** The name of the list in JSON, beside `more`. */
  readonly name: string;
  readonly desc: T;
  readonly columns: readonly Column<MessageShape<T>>[];
  /** What is said where there are no rows. */
  readonly none: string;
}

export function printList<T extends DescMessage>(
  { json }: OutputFlags,
  { rows, more }: Found<MessageShape<T>>,
  { name, desc, columns, none }: Listing<T>,
): void {
  if (json === true) {
    printJson({ [name]: rows.map((row) => plain(desc, row)), more });
    return;
  }
  printTable(columns, rows, none);
  if (more) note(MORE);
}
