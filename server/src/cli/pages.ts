import type { Command } from 'commander';
import { atLeast } from './arguments.js';
import { progressOf } from './progress.js';

export interface ListFlags {
  readonly limit: number;
  readonly all?: boolean;
}

export interface Found<T> {
  readonly rows: readonly T[];
  /** There is more than was asked for. */
  readonly more: boolean;
}

interface Page<T> {
  readonly rows: readonly T[];
  readonly nextPageToken: string;
}

const MAX_PAGE = 1_000;

export function withList(command: Command): Command {
  return command
    .option('-n, --limit <n>', 'the most rows', atLeast(1), 100)
    .option('--all', 'every row, whatever --limit says')
    .option('--json', 'answers as JSON');
}

/** Goes over pages, which may be short or empty, until there are enough rows. */
export async function gather<T>(
  { limit, all }: ListFlags,
  page: (pageSize: number, pageToken: string) => Promise<Page<T>>,
): Promise<Found<T>> {
  const most = all === true ? Number.POSITIVE_INFINITY : limit;
  const rows: T[] = [];
  const progress = progressOf('rows', undefined);
  let token = '';
  try {
    do {
      // The token belongs to the size of the first page.
      const answer = await page(Math.min(MAX_PAGE, most), token);
      for (const row of answer.rows) rows.push(row);
      token = answer.nextPageToken;
      if (token !== '') progress.at(rows.length);
    } while (token !== '' && rows.length < most);
  } finally {
    progress.end();
  }
  return { rows: rows.slice(0, most), more: token !== '' || rows.length > most };
}

/** What a list that was cut says on standard error. */
export const MORE = 'There is more: --limit or --all shows it.';
