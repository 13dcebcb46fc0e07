import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { rowOf, slotOf } from './row.js';
import { RowIds } from './row-ids.js';

const DOCS = readFileSync(new URL('../../../docs/outbox.md', import.meta.url), 'utf8');
const NOW = 1_800_000_000_000;
const row = (...[topic, body, options]: [string, Parameters<typeof rowOf>[1], Parameters<typeof rowOf>[2]?]) =>
  rowOf(topic, body, options, () => 'made', NOW);

test('slots are those of docs/outbox.md, so that other SDKs agree', () => {
  const id = '01890a5d-ac96-774b-bcce-b302099a8057';
  expect(DOCS).toContain(`key \`order-42\` is slot ${slotOf('order-42', id)}`);
  expect(DOCS).toContain(`key \`häuser\` is slot ${slotOf('häuser', id)}`);
  expect(DOCS).toContain(`the empty key with id \`${id}\` is slot ${slotOf('', id)}`);
});

test('a body is kept as bytes, and JSON says so in its headers', () => {
  expect(row('t', 'grün')).toMatchObject({ id: 'made', key: '', headers: null, body: Buffer.from('grün') });
  expect(row('t', { a: 1 })).toMatchObject({ headers: '{"content-type":"application/json"}' });
  const view = new Uint8Array([9, 1, 2, 9]).subarray(1, 3);
  expect([...row('t', view).body]).toEqual([1, 2]);
  expect(Buffer.isBuffer(row('t', view).body)).toBe(true);
});

test('a delay becomes a time', () => {
  expect(row('t', '', { delay: '5s' }).dueMs).toBe(NOW + 5_000);
  expect(row('t', '', { at: new Date(7) }).dueMs).toBe(7);
  expect(row('t', '', { ttl: '1m' })).toMatchObject({ dueMs: 0, ttlMs: 60_000 });
});

test.each([
  ['topic', 'no topic', {}],
  ['id', 't', { id: 'no id' }],
  ['key', 't', { key: 'k'.repeat(129) }],
  ['headers', 't', { headers: { 'a b': '' } }],
  ['headers', 't', { headers: { a: 'x'.repeat(16_384) } }],
  ['headers', 't', { headers: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`h${i}`, ''])) }],
  ['at', 't', { at: new Date(NOW + 400_000_000_000) }],
  ['ttl', 't', { delay: '1m', ttl: '1m' } as const],
])('what the bus would refuse is refused when it is written: %s', (field, topic, options) => {
  expect(() => row(topic, '', options)).toThrow(new RegExp(`^${field} is `));
});

test('ids of one moment share their beginning, and all differ', () => {
  let now = NOW;
  const ids = new RowIds(() => now);
  const made = Array.from({ length: 70_000 }, () => ids.next());
  expect(new Set(made).size).toBe(70_000);
  expect(made[0]?.slice(0, 32)).toBe(made[65_535]?.slice(0, 32));
  expect(made[65_536]?.slice(0, 32)).not.toBe(made[0]?.slice(0, 32));
  now += 100;
  expect(ids.next().slice(0, 32)).not.toBe(made.at(-1)?.slice(0, 32));
  expect([...made].sort()).toEqual(made);
});
