import type { ReactNode } from 'react';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ReactNode;
  readonly numeric?: boolean;
  /** Left out where the screen is narrow: what it says must not be needed to act. */
  readonly wide?: boolean;
  /** Names the row. */
  readonly name?: boolean;
  /** The title is for screen readers only: a column of buttons or checkboxes. */
  readonly silent?: boolean;
  /** Stands in the head in place of the title. */
  readonly head?: ReactNode;
}

export interface TableProps<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
}

/** Plain HTML: a screen reader's own commands, find in page and copy work as everywhere. `j` and `k` walk the rows' links. */
export function Table<Row>({ label, columns, rows, keyOf }: TableProps<Row>) {
  return (
    <div className="scroll">
      <table aria-label={label}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col" className={classOf(column)}>
                {column.head ??
                  (column.silent ? <span className="visually-hidden">{column.title}</span> : column.title)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((column) => (
                <td key={column.title} className={classOf(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function classOf<Row>({ numeric, wide, name }: Column<Row>): string {
  return [numeric && 'num', wide && 'wide', name && 'name'].filter(Boolean).join(' ');
}
