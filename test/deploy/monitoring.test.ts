import { readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { ROOT, runTool } from '../compat/tools.js';
import { startGateway } from '../support/gateway.js';
import { tempFolder } from '../support/reaper.js';
import { ensureDebianPackages } from '../support/services.js';
import { Page } from '../telemetry/page.js';
import { metricsIn } from './promql.js';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook_url: string };
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const read = (path: string) => readFileSync(`${ROOT}/${path}`, 'utf8');

const { groups }: { groups: { rules: Rule[] }[] } = parse(read('deploy/prometheus/alerts.yaml'));
const rules = groups.flatMap((group) => group.rules);
const dashboard: { panels: Panel[]; templating: { list: { name: string; query: string | { query: string } }[] } } =
  JSON.parse(read('deploy/grafana/waybill.json'));
const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** `up` is told by Prometheus itself. */
const KNOWN = new Set(['up']);

beforeAll(() => ensureDebianPackages(['prometheus']), 600_000);

describe('every metric that is named', () => {
  it('in rules, dashboard and runbook is one that a gateway has', async () => {
    const page = await Page.of((await startGateway('embedded')).httpUrl);
    const has = (name: string) => {
      const base = name.replace(/_(bucket|sum|count)$/, '');
      return KNOWN.has(name) || page.types.has(name) || page.types.get(base) === 'histogram';
    };
    const variables = dashboard.templating.list.flatMap(({ query }) =>
      typeof query === 'string' ? [] : [/label_values\((.*), \w+\)/.exec(query.query)?.[1] ?? ''],
    );
    const named = [...rules.map(({ expr }) => expr), ...queries, ...variables].flatMap(metricsIn);
    expect(named.length).toBeGreaterThan(50);
    expect([...new Set(named)].filter((name) => !has(name))).toEqual([]);
    const written = ['docs/operations.md', 'docs/observability.md'].flatMap(
      (path) => read(path).match(/\bwaybill_[a-z_]+[a-z]\b/g) ?? [],
    );
    expect(written.filter((name) => !has(name))).toEqual([]);
    // What is told and shown nowhere would be told for nobody.
    const shown = new Set(named.map((name) => name.replace(/_(bucket|sum|count)$/, '')));
    expect([...page.types.keys()].filter((name) => name.startsWith('waybill_') && !shown.has(name))).toEqual([]);
  });
});

describe('the alert rules', () => {
  it('stand promtool, and fire when they should', async () => {
    await runTool('/usr/bin/promtool', ['check', 'rules', '--lint-fatal', `${ROOT}/deploy/prometheus/alerts.yaml`]);
    await runTool('/usr/bin/promtool', ['check', 'config', `${ROOT}/deploy/prometheus/prometheus.yaml`]);
    await runTool('/usr/bin/promtool', ['test', 'rules', `${ROOT}/test/deploy/alerts-firing.yaml`]);
  });

  it('each have a severity, words, and a chapter of the runbook', () => {
    const headings = new Set(Array.from(read('docs/operations.md').matchAll(/^### (\w+)$/gm), ([, name]) => name));
    for (const { alert, labels, annotations } of rules) {
      expect(['critical', 'warning', 'info']).toContain(labels.severity);
      expect(annotations.summary).not.toBe('');
      expect(annotations.runbook_url).toBe(`docs/operations.md#${alert.toLowerCase()}`);
      expect(headings).toContain(alert);
    }
    expect([...headings].sort()).toEqual(rules.map(({ alert }) => alert).sort());
  });
});

describe('the dashboard', () => {
  it('asks in PromQL that promtool understands', async () => {
    const values: Record<string, string> = {
      __rate_interval: '5m',
      job: 'waybill',
      instance: 'one',
      topic: '.*',
      channel: '.*',
    };
    const expressions = queries.map((query) =>
      query.replaceAll(/\$(\w+)/g, (_, name: string) => values[name] ?? expect.fail(`no variable $${name}`)),
    );
    const folder = tempFolder('dashboard');
    const file = `${folder.path}/rules.yaml`;
    const recorded = expressions.map((expr, at) => ({ record: `query_${at}`, expr }));
    writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules: recorded }] }));
    const said = await runTool('/usr/bin/promtool', ['check', 'rules', file]).finally(() => folder.remove());
    expect(said).toContain(`SUCCESS: ${queries.length} rules found`);
  });

  it('has panels with a title each, and shows nothing twice', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { type, title, targets = [] } of dashboard.panels) {
      expect(title).not.toBe('');
      expect(type === 'row').toBe(targets.length === 0);
    }
  });
});
