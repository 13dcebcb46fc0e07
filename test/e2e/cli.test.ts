import { beforeAll, expect, test } from 'vitest';
import { type Gateway, type GatewayGroup, gatewayGroup } from '../support/gateway.js';
import { Program } from '../support/program.js';

let group: GatewayGroup;
let gateway: Gateway;

beforeAll(async () => {
  group = await gatewayGroup('embedded');
  gateway = await group.start();
  return () => group.remove();
});

const waybill = (...args: string[]) => new Program(['server/bin/waybill.js', ...args], { WAYBILL_URL: gateway.rpcUrl });

test('what is published is printed by the subscriber, and taken for good', async () => {
  const sub = waybill('sub', 'orders', 'billing', '--count', '4', '--json');
  await sub.says('listening on orders as billing');
  const pub = waybill('pub', 'orders', 'hello', '--id', 'my-id', '--key', 'k', '-H', 'source=shop');
  expect(await pub.exit()).toBe(0);
  expect(pub.stdout).toBe('accepted my-id\n');
  const again = waybill('pub', 'orders', 'hello', '--id', 'my-id', '--json');
  expect(await again.exit()).toBe(0);
  expect(JSON.parse(again.stdout)).toMatchObject({ id: 'my-id', outcome: 'duplicate' });
  expect(await waybill('pub', 'orders', '--lines').type('one\ntwo\n').exit()).toBe(0);
  expect(await waybill('pub', 'orders').type('from a pipe').exit()).toBe(0);
  expect(await sub.exit()).toBe(0);
  const lines = sub.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ body }) => body)).toEqual(['hello', 'one', 'two', 'from a pipe']);
  expect(lines[0]).toMatchObject({ id: 'my-id', topic: 'orders', key: 'k', headers: { source: 'shop' }, attempt: 1 });
  const next = waybill('sub', 'orders', 'billing', '--count', '1');
  await next.says('listening');
  expect(await waybill('pub', 'orders', 'the only one left').exit()).toBe(0);
  expect(await next.exit()).toBe(0);
  expect(next.stdout).toBe('the only one left\n');
});

test('a delayed message is scheduled', async () => {
  const pub = waybill('pub', 'later', 'x', '--delay', '1h');
  expect(await pub.exit()).toBe(0);
  expect(pub.stdout).toMatch(/^scheduled [0-9a-f-]{36}\n$/);
});

test('a subscriber that is interrupted ends in order', async () => {
  const sub = waybill('sub', 'quiet', 'c');
  await sub.says('listening');
  sub.kill('SIGINT');
  expect(await sub.exit()).toBe(0);
});

test.each([
  [['pub', 'bad topic', 'x'], 'topic'],
  [['pub', 'orders', 'x', '--delay', 'soon'], 'delay'],
  [['sub', 'orders', 'c', '--count', '0'], 'whole number from 1'],
  [['pub', 'orders', 'x', '-H', 'nameless'], 'name=value'],
  [['pub', 'orders', 'x', '--url', 'a b'], 'url'],
])('%j is refused in words, without a stack', async (args, words) => {
  const program = waybill(...args);
  expect(await program.exit()).toBe(1);
  expect(program.stderr).toContain(words);
  expect(program.stderr).not.toContain('    at ');
});

test('bench prints both figures', async () => {
  const bench = waybill('bench', '--messages', '2000', '--json');
  expect(await bench.exit()).toBe(0);
  const rows = bench.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(rows).toMatchObject([
    { name: 'publish, confirmed', unit: 'messages/s', messages: 2000, size: 256 },
    { name: 'publish, deliver, ack', unit: 'messages/s', messages: 2000, size: 256 },
  ]);
  for (const { value } of rows) expect(value).toBeGreaterThan(0);
});
