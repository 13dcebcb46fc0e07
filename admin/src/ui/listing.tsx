import type { ReactNode } from 'react';
import { count } from '../text/number.js';
import { Button } from './button.js';
import { Failed, Loading } from './state.js';

/** What a list of pages needs of TanStack's infinite query. */
export interface Pages<Row> {
  readonly rows: readonly Row[] | undefined;
  readonly error: unknown;
  readonly more: boolean;
  readonly fetchingMore: boolean;
  readonly fetchMore: () => void;
  readonly retry: () => void;
}

export interface ListingProps<Row> {
  readonly what: string;
  readonly pages: Pages<Row>;
  readonly empty: ReactNode;
  readonly children: (rows: readonly Row[]) => ReactNode;
}

/**
 * A list that comes page by page: loading, failed, empty, or there. A page may be empty although more follow, because the
 * gateway looks through so many rows for one call; then it says so.
 */
export function Listing<Row>({ what, pages, empty, children }: ListingProps<Row>) {
  const { rows, error, more, fetchingMore } = pages;
  if (rows === undefined) {
    return error === null ? <Loading what={what} /> : <Failed error={error} onRetry={pages.retry} />;
  }
  return (
    <>
      {error === null ? null : <Failed error={error} onRetry={pages.retry} />}
      {rows.length > 0 ? children(rows) : more ? null : empty}
      {rows.length > 0 || more ? (
        <div className="table-foot">
          <span>
            {more
              ? rows.length === 0
                ? 'Nothing yet, and not all has been looked through.'
                : `The first ${count(rows.length)}; more follow.`
              : `${count(rows.length)} in all.`}
          </span>
          {more ? (
            <Button size="small" busy={fetchingMore} onPress={pages.fetchMore}>
              {rows.length === 0 ? 'Search further' : 'Load more'}
            </Button>
          ) : null}
        </div>
      ) : null}
    </>
  );
}
