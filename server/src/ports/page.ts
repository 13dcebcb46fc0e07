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
/** Nothing is counted further. */
export const COUNT_LIMIT = 20_000;
