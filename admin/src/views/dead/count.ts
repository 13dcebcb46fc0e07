import { admin } from '../../api/clients.js';
import type { DeadQuery } from './query.js';

/** What the gateway counts, or changes, by one call at the most. */
export const MOST = 1_000_000;

export interface RedriveOptions {
  readonly limit: number;
  /** 0: no limit. */
  readonly maxPerSecond: number;
  readonly dropTtl: boolean;
}

export interface Counted {
  readonly count: bigint;
  /** False: there may be more. */
  readonly complete: boolean;
}

/** Query by query, until the limit is reached. */
async function overAll(
  queries: readonly DeadQuery[],
  limit: number,
  call: (query: DeadQuery, limit: number) => Promise<Counted>,
): Promise<Counted> {
  let count = 0n;
  let complete = true;
  for (const query of queries) {
    const left = limit - Number(count);
    if (left <= 0) return { count, complete: false };
    const answer = await call(query, left);
    count += answer.count;
    complete &&= answer.complete;
  }
  return { count, complete };
}

export function redrive(
  queries: readonly DeadQuery[],
  { limit, ...options }: RedriveOptions,
  dryRun: boolean,
  signal?: AbortSignal,
): Promise<Counted> {
  return overAll(queries, limit, (query, left) =>
    admin.redrive({ query, limit: left, ...options, dryRun }, signal ? { signal } : {}),
  );
}

export function deleteDead(
  queries: readonly DeadQuery[],
  limit: number,
  dryRun: boolean,
  signal?: AbortSignal,
): Promise<Counted> {
  return overAll(queries, limit, (query, left) =>
    admin.deleteDead({ query, limit: left, dryRun }, signal ? { signal } : {}),
  );
}
