import { Counter, collectDefaultMetrics, Gauge, Histogram as PromHistogram, Registry } from 'prom-client';
import type { Meters } from '../ports/telemetry.js';
import { Histogram } from './histogram.js';
import { type Label, METRIC_NAMES, METRICS, type Metric, type MetricName } from './metric-table.js';

/** The values of one scrape. */
export class Samples {
  readonly #byName = new Map<MetricName, { readonly labels: Labels; readonly value: number }[]>();

  set(name: MetricName, value: number, labels: Labels = {}): void {
    const list = this.#byName.get(name) ?? [];
    this.#byName.set(name, list);
    list.push({ labels, value });
  }

  of(name: MetricName): readonly { readonly labels: Labels; readonly value: number }[] {
    return this.#byName.get(name) ?? [];
  }
}

type Labels = Partial<Record<Label, string>>;

/** Where the hot path counts. */
export class Histograms implements Meters {
  readonly publish = histogramOf('waybill_publish_seconds');
  readonly confirm = histogramOf('waybill_broker_confirm_seconds');
  readonly wait = histogramOf('waybill_delivery_wait_seconds');
  readonly settle = histogramOf('waybill_settle_seconds');
  readonly commit = histogramOf('waybill_ledger_commit_seconds');
  readonly commitEntries = histogramOf('waybill_ledger_commit_entries');
  readonly lateness = histogramOf('waybill_due_lateness_seconds');

  get byName(): ReadonlyMap<MetricName, Histogram> {
    return new Map<MetricName, Histogram>([
      ['waybill_publish_seconds', this.publish],
      ['waybill_broker_confirm_seconds', this.confirm],
      ['waybill_delivery_wait_seconds', this.wait],
      ['waybill_settle_seconds', this.settle],
      ['waybill_ledger_commit_seconds', this.commit],
      ['waybill_ledger_commit_entries', this.commitEntries],
      ['waybill_due_lateness_seconds', this.lateness],
    ]);
  }
}

function histogramOf(name: MetricName): Histogram {
  const { buckets = [] }: Metric = METRICS[name];
  return new Histogram(buckets);
}

/**
 * What `/metrics` answers. The gateway counts in plain numbers; the library meets them at a scrape only, and adds what it knows of
 * the process (`process_*`, `nodejs_*`).
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #fill: ((samples: Samples) => void)[] = [];
  #scrape: Promise<string> | undefined;

  constructor(
    histograms: Histograms,
    private readonly collect: () => Promise<Samples>,
  ) {
    collectDefaultMetrics({ register: this.#registry });
    const { byName } = histograms;
    for (const name of METRIC_NAMES) {
      const { type, help, labels }: Metric = METRICS[name];
      const options = { name, help, registers: [this.#registry] };
      const histogram = byName.get(name);
      if (type === 'counter') this.#count(name, new Counter({ ...options, labelNames: labels }));
      else if (type === 'gauge') this.#gauge(name, new Gauge({ ...options, labelNames: labels }));
      else if (histogram !== undefined) new CollectedHistogram(options, histogram);
    }
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The whole page. Calls that come while it is made share it. */
  text(): Promise<string> {
    this.#scrape ??= this.#make().finally(() => {
      this.#scrape = undefined;
    });
    return this.#scrape;
  }

  async #make(): Promise<string> {
    const samples = await this.collect();
    for (const fill of this.#fill) fill(samples);
    return this.#registry.metrics();
  }

  #count(name: MetricName, counter: Counter<Label>): void {
    this.#fill.push((samples) => {
      counter.reset();
      for (const { labels, value } of samples.of(name)) counter.inc(labels, value);
    });
  }

  #gauge(name: MetricName, gauge: Gauge<Label>): void {
    const labelled = METRICS[name].labels.length > 0;
    this.#fill.push((samples) => {
      gauge.reset();
      // Reset, a gauge without labels reads 0: what is not known must not.
      if (!labelled) gauge.remove();
      for (const { labels, value } of samples.of(name)) gauge.set(labels, value);
    });
  }
}

/** A histogram whose counts are elsewhere. */
class CollectedHistogram extends PromHistogram {
  constructor(
    private readonly options: { readonly name: string; readonly help: string; readonly registers: Registry[] },
    private readonly counts: Histogram,
  ) {
    super({ ...options, buckets: [...counts.bounds] });
  }

  /** What the registry asks for when it makes the page. */
  async getForPromString() {
    const { name, help } = this.options;
    const { bounds, cumulative, sum, count } = this.counts;
    const bucket = (le: number | string, value: number) => ({ metricName: `${name}_bucket`, labels: { le }, value });
    return {
      name,
      help,
      type: 'histogram',
      values: [
        ...bounds.map((le, at) => bucket(le, cumulative[at] ?? 0)),
        bucket('+Inf', count),
        { metricName: `${name}_sum`, labels: {}, value: sum },
        { metricName: `${name}_count`, labels: {}, value: count },
      ],
    };
  }
}
