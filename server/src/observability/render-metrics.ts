import { METRIC_NAMES, METRICS, type Metric } from './metric-table.js';

const BEGIN = '<!-- metrics: generated from server/src/observability/metric-table.ts by `npm run generate:metrics` -->';
const END = '<!-- /metrics -->';

/** The page with its table of metrics made anew; throws when there is no place for one. */
export function withMetrics(page: string): string {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error(`the page has no ${BEGIN} … ${END}`);
  return `${page.slice(0, from)}${BEGIN}\n${table()}\n${page.slice(to)}`;
}

function table(): string {
  const rows = METRIC_NAMES.map((name) => {
    const { type, help, labels, ofAll }: Metric = METRICS[name];
    const of = ofAll === undefined ? '' : ' *Of all gateways.*';
    return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(' ')} | ${help}${of} |`;
  });
  return ['| name | type | labels | what it tells |', '|---|---|---|---|', ...rows].join('\n');
}
