import type { Page, Position } from './page.js';

/** What one walk along an index found, newest first. */
export interface Walk<T> {
  readonly rows: readonly T[];
  /** Where the walk stopped before its end; undefined: nothing comes after its rows. */
  readonly stopped: Position | undefined;
}

/** Below 0 when `a` comes first: newest first, and in the index's order turned round among those of one time. */
export function byNewest(a: Position, b: Position): number {
  if (a.time !== b.time) return b.time - a.time;
  if (a.channel !== b.channel) return b.channel - a.channel;
  if (a.topic !== b.topic) return b.topic - a.topic;
  return a.id === b.id ? 0 : a.id < b.id ? 1 : -1;
}

/**
 * One page of several walks. Rows that come after the place where some walk stopped are left for the next page: that walk may
 * find others before them.
 */
export function mergePages<T>(walks: readonly Walk<T>[], limit: number, positionOf: (row: T) => Position): Page<T> {
  let stopped: Position | undefined;
  for (const walk of walks) {
    if (walk.stopped !== undefined && (stopped === undefined || byNewest(walk.stopped, stopped) < 0)) {
      stopped = walk.stopped;
    }
  }
  const border = stopped;
  const rows = walks
    .flatMap((walk) => walk.rows)
    .filter((row) => border === undefined || byNewest(positionOf(row), border) <= 0)
    .sort((a, b) => byNewest(positionOf(a), positionOf(b)));
  if (rows.length <= limit && border === undefined) return { rows, next: undefined };
  const last = rows[limit - 1];
  if (rows.length > limit && last !== undefined) return { rows: rows.slice(0, limit), next: positionOf(last) };
  return { rows, next: border };
}
