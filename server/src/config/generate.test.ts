import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DEFAULTS, load } from './load.js';
import { renderDocs } from './render-docs.js';
import { renderYaml } from './render-yaml.js';
import { KEYS, SETTINGS } from './schema.js';
import { parseEntries } from './yaml.js';

const committed = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

describe('config.yaml', () => {
  it('is what the schema says', () => {
    expect(committed('config.yaml')).toBe(renderYaml());
  });

  it('holds every key once, at its default, with its line of prose above', () => {
    for (const key of KEYS) {
      const { doc, noEffect, default: value } = SETTINGS[key];
      const lines = renderYaml().split('\n');
      const wanted = `${noEffect === undefined ? '' : '# '}${key}: ${value}`.trimEnd();
      expect(lines.filter((line) => line === wanted)).toHaveLength(1);
      expect(lines).toContain(`# ${doc}`);
    }
  });

  it('boots the embedded engine with every default, and without a note', () => {
    const { entries, problems } = parseEntries('config.yaml', renderYaml());
    expect(problems).toEqual([]);
    const env = Object.fromEntries(entries.map(({ key, text }) => [key, text]));
    const { config, notes } = load({ env, defaultFiles: [] });
    expect(config).toEqual(DEFAULTS);
    expect(notes).toEqual([]);
  });

  it('boots with the keys without effect as well, when their comment signs are taken away', () => {
    const text = renderYaml().replaceAll(/^# (\w+: \S+)$/gm, '$1');
    expect(parseEntries('config.yaml', text).problems).toEqual([]);
  });
});

describe('docs/configuration.md', () => {
  it('is what the schema says', () => {
    expect(committed('docs/configuration.md')).toBe(renderDocs());
  });

  it('has one row a key, with default, limit and prose', () => {
    for (const key of KEYS) {
      const { doc, limit } = SETTINGS[key];
      const rows = renderDocs()
        .split('\n')
        .filter((line) => line.startsWith(`| \`${key}\` |`));
      expect(rows).toHaveLength(1);
      expect(rows[0]).toContain(doc);
      expect(rows[0]).toContain(limit);
    }
  });
});
