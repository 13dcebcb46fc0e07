import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Dialect } from './dialect.js';
import { inboxTables, outboxTables } from './tables.js';

const DOCS = readFileSync(new URL('../../../docs/outbox.md', import.meta.url), 'utf8');
const DIALECTS: readonly Dialect[] = ['mysql', 'postgres', 'sqlite'];

const block = (statements: readonly string[]) => `\`\`\`sql\n${statements.join(';\n\n')};\n\`\`\``;

describe.each(DIALECTS)('the tables of %s', (dialect) => {
  const outbox = outboxTables(dialect);

  test('are those of docs/outbox.md', () => {
    expect(DOCS).toContain(block(outbox));
    expect(DOCS).toContain(block(outboxTables(dialect, { clients: true }).slice(outbox.length)));
    expect(DOCS).toContain(block(inboxTables(dialect)));
  });

  test('are named after the outbox', () => {
    const named = outboxTables(dialect, { table: 'events', clients: true }).join('\n');
    expect(named).toContain('events_slots');
    expect(named).toContain('events_clients');
    expect(named).not.toContain('waybill_');
  });
});

test('a name that could be a statement is refused', () => {
  for (const table of ['', 'a b', 'x;drop', '1st', 'x'.repeat(49)]) {
    expect(() => outboxTables('mysql', { table })).toThrow('table is');
  }
});
