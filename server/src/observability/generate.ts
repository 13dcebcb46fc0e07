import { readFileSync, writeFileSync } from 'node:fs';
import { withMetrics } from './render-metrics.js';

/** Writes the table of metrics into docs/observability.md. */
const file = new URL('../../../docs/observability.md', import.meta.url);
const page = readFileSync(file, 'utf8');
writeFileSync(file, withMetrics(page));
