import { expect, test } from 'vitest';
import { faults, report, search } from '../bench/search/run.js';
import { gatewayGroup } from '../support/gateway.js';

/** The bench has ten million. How long a search takes is its affair; what it finds, and by which index, is a test's. */
const ROWS = 20_000;
const SAMPLES = 10;

test('every search of a filled ledger finds what it is asked for, by an index', async () => {
  const group = await gatewayGroup('cluster');
  const { rpcUrl, pid } = await group.start();
  if (pid === undefined || group.space === undefined) throw new Error('no gateway runs');
  const subject = { url: rpcUrl, pid, databaseUrl: group.space.databaseUrl };
  const found = await search(subject, ROWS, () => {}, SAMPLES);
  expect(faults(found)).toEqual([]);
  expect(found.filled.rows).toBe(ROWS);
  const rows = Object.fromEntries(found.figures.map(({ name, rows }) => [name, rows]));
  expect(rows).toMatchObject({
    'id, with its topic': 2,
    'id alone': 2,
    key: 10,
    'key that no message has': 0,
    'one message with its timeline': 2,
    'all states, the newest': 100,
    'dead letters of a topic': 10,
  });
  const indexes = new Set(found.plans.map(({ search, table, key }) => `${search}: ${table} by ${key}`));
  expect(indexes).toContain('id: d by PRIMARY');
  expect(indexes).toContain('key: terms by term_value');
  expect(indexes).toContain('topic, state, time: deliveries by delivery_state_time');
  expect(indexes).toContain('pruning: deliveries by delivery_state_time');
  expect(report(found)).toContain('| key that no message has');
}, 120_000);
