import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bus, connect, type Message } from '@waybill/sdk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Engine, type Gateway, type GatewayGroup, gatewayGroup, startGateway } from '../support/gateway.js';
import { tempFolder } from '../support/reaper.js';
import { until } from '../support/until.js';
import { makePythonStubs, runPython } from './python/stubs.js';
import { COMPAT, ROOT } from './tools.js';

const CLIENT = `${COMPAT}/python/client.py`;
const ENGINES: readonly Engine[] = ['embedded', 'cluster'];
const SCENARIOS = [
  'publishes_pulls_and_acks',
  'knows_its_own_ids',
  'delays_cancels_and_reschedules',
  'nacks_extends_and_rejects',
  'subscribes_with_credit',
  'gets_typed_errors',
];

const stubs = tempFolder('python');

beforeAll(() => makePythonStubs(stubs.path), 300_000);
afterAll(() => stubs.remove());

describe.each(ENGINES)('at a gateway of the %s engine', (engine) => {
  let group: GatewayGroup;
  let gateway: Gateway;
  let sdk: Bus;

  beforeAll(async () => {
    group = await gatewayGroup(engine);
    gateway = await group.start();
    sdk = await connect(gateway.rpcUrl);
  });

  afterAll(async () => {
    await sdk?.close();
    await group?.remove();
  });

  const python = (scenario: string, topic: string) => runPython(stubs.path, [CLIENT, gateway.rpcUrl, scenario, topic]);

  test.each(SCENARIOS)('a stock Python client %s', async (scenario) => {
    await python(scenario, `${scenario}.${randomUUID()}`);
  });

  test('what Python publishes, the TypeScript SDK consumes', async () => {
    const topic = `from-python.${randomUUID()}`;
    const received: Message[] = [];
    const subscription = sdk.subscribe(topic, 'sdk', async (message) => {
      received.push(message);
    });
    await subscription.ready;
    await python('publishes_three', topic);
    await until(async () => expect(received).toHaveLength(3), 15_000);
    expect(received.map((message) => message.json())).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
    expect(received[0]).toMatchObject({ topic, key: 'k', headers: { from: 'python' }, attempt: 1 });
  });

  test('what the TypeScript SDK publishes, Python consumes', async () => {
    const topic = `from-sdk.${randomUUID()}`;
    const items = [0, 1, 2].map((n) => ({ body: { n }, options: { headers: { from: 'sdk' }, key: 'k' } }));
    for (const { body, options } of items) await sdk.publish(topic, body, options);
    const lines = (await python('pulls_three', topic)).trim().split('\n');
    expect(new Set(lines)).toEqual(new Set([0, 1, 2].map((n) => `[{"n": ${n}}, "sdk", "k"]`)));
  });
});

test('the Python of the README runs as it stands', async () => {
  const [, code = ''] = /```python\n(.*?)```/s.exec(readFileSync(`${ROOT}/README.md`, 'utf8')) ?? [];
  const gateway = await startGateway('embedded');
  const program = join(gateway.folder, 'readme.py');
  // Only the address is another: the port of the README may be taken.
  expect(code).toContain('"localhost:9091"');
  writeFileSync(program, code.replace('localhost:9091', gateway.rpcUrl));
  expect(await runPython(stubs.path, [program])).toBe("b'hello' 1\n");
});
