/** What several rounds gave. */
export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Line {
  readonly name: string;
  readonly unit: 'messages/s' | 'ms';
  readonly ours: Figure;
  readonly peer: Figure;
  /** The peer's figure was published by others, and not measured beside ours. */
  readonly published: boolean;
  /** Our median against the peer's. */
  readonly ratio: number;
  /** The least that the ratio should be; null where nothing is promised. */
  readonly floor: number | null;
}

export function summarize(values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) throw new Error('no round gave a figure');
  return { median: quantile(sorted, 0.5), min, max };
}

/** Between two values where the quantile lies between them. The values are sorted. */
export function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const low = sorted[Math.floor(place)];
  const high = sorted[Math.ceil(place)];
  if (low === undefined || high === undefined) throw new Error('a quantile of nothing');
  return low + (high - low) * (place - Math.floor(place));
}

export function line(
  promise: Pick<Line, 'name' | 'unit' | 'floor'>,
  ours: readonly number[],
  peer: readonly number[],
): Line {
  const [mine, theirs] = [summarize(ours), summarize(peer)];
  return { ...promise, ours: mine, peer: theirs, published: false, ratio: mine.median / theirs.median };
}

/** Against a figure that others have published. */
export function lineAgainst(
  promise: Pick<Line, 'name' | 'unit' | 'floor'>,
  ours: readonly number[],
  figure: number,
): Line {
  return { ...line(promise, ours, [figure]), published: true };
}

export function belowFloor({ ratio, floor }: Line): boolean {
  return floor !== null && ratio < floor;
}
