/** What SQLite keeps in a column. Numbers are whole and below 2^53. */
export type Value = number | string | Uint8Array | null;

/** A prepared statement. `Row` is its author's word for what the columns are. */
export interface Statement<Row> {
  get(...values: Value[]): Row | undefined;
  all(...values: Value[]): Row[];
  run(...values: Value[]): { readonly changes: number; readonly lastInsertRowid: number | bigint };
}
