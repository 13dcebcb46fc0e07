/** Where a page ended: the sort key of its last row. What the numbers stand for is the adapter's affair. */
export interface Position {
  /** Unix milliseconds. */
  readonly time: number;
  readonly channel: number;
  readonly topic: number;
  readonly id: string;
}

export interface PageAsk {
  /** The most rows. */
  readonly limit: number;
  /** Behind this; undefined: from the start. */
  readonly from: Position | undefined;
}

export interface Page<T> {
  readonly rows: readonly T[];
  /** Undefined: that was all. */
  readonly next: Position | undefined;
}

/** Entries of an index that are looked at for one page, where a filter may leave out most of them. */
export const SCAN_LIMIT = 5_000;
/** Messages of one page take no more memory than this, in bytes; one that is larger has a page of its own. */
export const PAGE_BYTES = 16_777_216;
/** Nothing is counted further. */
export const COUNT_LIMIT = 20_000;

/** How many of the rows a page takes: the limit, or as many as are not too large together, and one at least. */
export function fitting(rows: readonly { readonly bytes: number }[], limit: number): number {
  let sum = 0;
  for (const [i, { bytes }] of rows.entries()) {
    sum += bytes;
    if (i > 0 && sum > PAGE_BYTES) return Math.min(i, limit);
  }
  return limit;
}
