import { useInfiniteQuery } from '@tanstack/react-query';
import type { Pages } from '../ui/listing.js';
import { REFRESH_MS } from './queries.js';

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Empty: that was all. */
  readonly next: string;
}

/** An empty page that has a next one is followed by itself, so many times; then the operator is asked. */
const EMPTY_PAGES = 5;

/**
 * A list of the gateway's, page by page. The key holds everything that the request does but the token. While only the first
 * page is shown it is kept fresh; further pages stay as they were read.
 */
export function usePages<Row>(
  key: readonly unknown[],
  read: (pageToken: string, signal: AbortSignal) => Promise<Page<Row>>,
): Pages<Row> {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: async ({ pageParam, signal }) => {
      let page = await read(pageParam, signal);
      for (let skipped = 0; page.rows.length === 0 && page.next !== '' && skipped < EMPTY_PAGES; skipped++) {
        page = await read(page.next, signal);
      }
      return page;
    },
    initialPageParam: '',
    getNextPageParam: (last) => (last.next === '' ? undefined : last.next),
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) > 1 ? false : REFRESH_MS),
  });
  return {
    rows: query.data?.pages.flatMap((page) => page.rows),
    error: query.error,
    more: query.hasNextPage,
    fetchingMore: query.isFetchingNextPage,
    fetchMore: () => void query.fetchNextPage(),
    retry: () => void query.refetch(),
  };
}
