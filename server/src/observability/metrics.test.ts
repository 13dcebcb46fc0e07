import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { METRIC_NAMES, METRICS, type Metric } from './metric-table.js';
import { Histograms, Metrics, Samples } from './metrics.js';
import { withMetrics } from './render-metrics.js';

describe('the table of metrics', () => {
  it('names them by the rules: a prefix, base units, and _total for what only grows', () => {
    for (const name of METRIC_NAMES) {
      const { type, help }: Metric = METRICS[name];
      expect(name).toMatch(/^waybill_[a-z]+(_[a-z]+)*$/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
      expect(name).not.toMatch(/_(ms|millis|milliseconds|minutes|kb|mb|percent)(_|$)/);
      expect(help).toMatch(/^[A-Z0-9].*\.$/);
    }
  });

  it('is the one of docs/observability.md', () => {
    const page = readFileSync(new URL('../../../docs/observability.md', import.meta.url), 'utf8');
    expect(withMetrics(page)).toBe(page);
  });
});

describe('a page', () => {
  const pageOf = (samples: Samples, histograms = new Histograms()) =>
    new Metrics(histograms, async () => samples).text();

  it('holds what was collected, and escapes what names may hold', async () => {
    const samples = new Samples();
    samples.set('waybill_messages_accepted_total', 3, { topic: 'a"b\\c\nd' });
    samples.set('waybill_ready', 0);
    const lines = (await pageOf(samples)).split('\n');
    expect(lines).toContain('waybill_messages_accepted_total{topic="a\\"b\\\\c\\nd"} 3');
    expect(lines).toContain('waybill_ready 0');
  });

  it('has no value for what is not known', async () => {
    const page = await pageOf(new Samples());
    expect(page).toContain('# TYPE waybill_parked_messages gauge');
    expect(page).not.toMatch(/^waybill_(parked_messages|ready_messages|messages_acked_total)\b/m);
  });

  it('forgets what was there the time before', async () => {
    const answers = [new Samples(), new Samples()];
    answers[0]?.set('waybill_dead_messages', 7, { topic: 'gone', channel: 'mail' });
    const metrics = new Metrics(new Histograms(), async () => answers.shift() ?? new Samples());
    expect(await metrics.text()).toContain('waybill_dead_messages{topic="gone",channel="mail"} 7');
    expect(await metrics.text()).not.toContain('gone');
  });

  it('tells a histogram as it was counted', async () => {
    const histograms = new Histograms();
    histograms.commitEntries.observe(3, 2);
    histograms.commitEntries.observe(5_000);
    const lines = (await pageOf(new Samples(), histograms)).split('\n');
    const of = lines.filter((line) => line.startsWith('waybill_ledger_commit_entries'));
    expect(of).toEqual([
      ...[1, 2].map((le) => `waybill_ledger_commit_entries_bucket{le="${le}"} 0`),
      ...[5, 10, 20, 50, 100, 200, 500, 1000].map((le) => `waybill_ledger_commit_entries_bucket{le="${le}"} 2`),
      'waybill_ledger_commit_entries_bucket{le="+Inf"} 3',
      'waybill_ledger_commit_entries_sum 5006',
      'waybill_ledger_commit_entries_count 3',
    ]);
  });

  it('is made once for all who ask at the same time', async () => {
    let collected = 0;
    const metrics = new Metrics(new Histograms(), async () => {
      collected++;
      return new Samples();
    });
    await Promise.all([metrics.text(), metrics.text(), metrics.text()]);
    expect(collected).toBe(1);
  });
});
