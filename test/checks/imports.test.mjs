import { expect, test } from 'vitest';
import { cycles, importsIn, violations } from './imports.mjs';

const edge = (from, to) => ({ from: `server/src/${from}`, to: `server/src/${to}` });

test('reads who imports whom from the compiler listing', () => {
  const listing = [
    'node_modules/amqplib/index.d.ts',
    "   Imported via 'amqplib' from file 'server/src/adapters/broker-rabbitmq/connection.ts' with packageId 'amqplib'",
    'server/src/ports/broker.ts',
    "   Imported via '../../ports/broker.js' from file 'server/src/adapters/broker-rabbitmq/broker.ts'",
    "   Matched by include pattern 'src' in 'server/tsconfig.json'",
  ].join('\n');
  expect(importsIn(listing)).toEqual([edge('adapters/broker-rabbitmq/broker.ts', 'ports/broker.ts')]);
});

test.each([
  ['app.ts', 'adapters/ledger-mysql/ledger.ts'],
  ['adapters/ledger-mysql/ledger.ts', 'adapters/ledger-mysql/pool.ts'],
  ['adapters/ledger-sqlite/ledger.ts', 'adapters/sqlite/file.ts'],
  ['adapters/ledger-mysql/ledger.ts', 'ports/ledger.ts'],
  ['bus/publish.ts', 'ports/broker.ts'],
  ['edge/grpc/bus.ts', 'bus/publish.ts'],
  ['workers/due.ts', 'model/message.ts'],
  ['bus/publish.test.ts', 'adapters/locks-local/locks.ts'],
])('%s may import %s', (from, to) => {
  expect(violations([edge(from, to)])).toEqual([]);
});

test.each([
  ['main.ts', 'adapters/ledger-mysql/ledger.ts', 'only server/src/app.ts knows the adapters'],
  ['bus/publish.ts', 'adapters/ledger-mysql/ledger.ts', 'only server/src/app.ts knows the adapters'],
  ['adapters/broker-sqlite/broker.ts', 'adapters/ledger-sqlite/ledger.ts', 'shares nothing with its siblings'],
  ['adapters/broker-sqlite/broker.ts', 'bus/publish.ts', 'adapters may import ports, model'],
  ['bus/publish.ts', 'edge/grpc/status.ts', 'bus may import ports, model'],
  ['model/message.ts', 'ports/broker.ts', 'model imports only itself'],
])('%s must not import %s', (from, to, reason) => {
  expect(violations([edge(from, to)])).toEqual([expect.stringContaining(reason)]);
});

test('the SDK must not import the server', () => {
  const imported = { from: 'sdk-ts/src/client.ts', to: 'server/dist/model/message.d.ts' };
  expect(violations([imported])).toEqual([expect.stringContaining('the SDK knows only the wire')]);
});

test('names the files of an import cycle once', () => {
  const edges = [edge('bus/a.ts', 'bus/b.ts'), edge('bus/b.ts', 'bus/c.ts'), edge('bus/c.ts', 'bus/b.ts')];
  expect(cycles(edges)).toEqual(['import cycle: server/src/bus/b.ts -> server/src/bus/c.ts -> server/src/bus/b.ts']);
});
