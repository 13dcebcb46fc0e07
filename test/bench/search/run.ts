import { markdown } from '../markdown.js';
import type { Subject } from '../watch.js';
import { explain, type Plan } from './explain.js';
import { type Filled, fill } from './fill.js';
import { measure, type SearchFigures } from './measure.js';

/** What is promised of a search by id and by key. */
const PROMISED_MS = 50;

export interface SearchReport {
  readonly filled: Omit<Filled, 'settledAt'>;
  readonly figures: readonly SearchFigures[];
  readonly plans: readonly Plan[];
}

const SAMPLES = 200;

/** Fills the ledger of a gateway on the cluster engine, and searches it. */
export async function search(
  subject: Subject,
  rows: number,
  say: (line: string) => void,
  samples = SAMPLES,
): Promise<SearchReport> {
  const filled = await fill(subject, rows, say);
  say('searching');
  const figures = await measure(subject, filled, samples);
  const plans = await explain(subject, filled);
  const { settledAt: _, ...facts } = filled;
  return { filled: facts, figures, plans };
}

/** The figures as tables in Markdown. */
export function report({ filled, figures, plans }: SearchReport): string {
  const { rows, seconds, megabytes } = filled;
  return [
    `${count(rows)} records, ${count(megabytes)} MB in the database, filled in ${seconds.toFixed(0)} s`,
    markdown(
      ['search', 'rows', 'p50 ms', 'p99 ms', 'max ms', `under ${PROMISED_MS} ms`],
      figures.map(({ name, promised, rows, p50, p99, max }) => [
        name,
        String(rows),
        ...[p50, p99, max].map((ms) => ms.toFixed(1)),
        promised ? (p99 < PROMISED_MS ? 'yes' : 'NO') : '',
      ]),
      [5],
    ),
    markdown(
      ['search', 'table', 'type', 'index', 'rows looked at', 'extra'],
      plans.map(({ search, table, type, key, rows, extra }) => [search, table, type, key, rows, extra]),
      [1, 2, 3, 5],
    ),
  ].join('\n\n');
}

/** What went wrong whatever the machine: a search that reads a whole table. */
export function faults({ plans }: SearchReport): string[] {
  return plans.filter(({ type }) => type === 'ALL').map(({ search, table }) => `${search} reads all of ${table}`);
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
