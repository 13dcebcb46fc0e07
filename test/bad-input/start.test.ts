import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { BusClient } from '../support/client.js';
import { Gateway, type Settings, startGateway } from '../support/gateway.js';
import { freePort } from '../support/ports.js';

const SECRET = 'pa55-w0rd';

/** Starts a gateway that cannot start; answers what it printed. It must end by itself, with code 1. */
async function refusedStart(settings: Settings, prepare: (folder: string) => void = () => {}): Promise<string> {
  const gateway = await Gateway.create(settings);
  onTestFinished(() => gateway.remove());
  prepare(gateway.folder);
  await expect(gateway.start()).rejects.toThrow(/^the gateway ended with 1;/);
  expect(gateway.log()).not.toContain(SECRET);
  return gateway.log();
}

const configFile = (yaml: string | Buffer) => (folder: string) => writeFileSync(join(folder, 'config.yaml'), yaml);

test('all that is wrong with a config file is told at once, with its line', async () => {
  const yaml = [
    'RpcPrt: 9091',
    'MaxCredit: lots',
    'Debug: perhaps',
    `AmqpUrl: http://user:${SECRET}@host`,
    'RetryTimes: -1',
  ];
  const said = await refusedStart({ QueueType: 'stream' }, configFile(yaml.join('\n')));
  expect(said).toContain('the configuration has 6 problems');
  for (const [line, key] of ['RpcPrt', 'MaxCredit', 'Debug', 'AmqpUrl', 'RetryTimes'].entries()) {
    expect(said).toMatch(new RegExp(`config\\.yaml:${line + 1}: ${key}\\b`));
  }
  expect(said).toContain('did you mean RpcPort?');
  expect(said).toMatch(/environment: QueueType "stream": must be quorum or classic/);
  expect(said).not.toMatch(/^\s+at /m);
});

test.each([
  ['YAML that is none', 'Host: [\nDebug: "open', /config\.yaml:\d+.*is not valid YAML/],
  ['a list', '- RpcPort\n- 9091\n', /config\.yaml.*holds no keys/],
  ['bytes that are no text', Buffer.of(0xff, 0xfe, 0x00), /config\.yaml.*is not UTF-8 text/],
  ['a key that stands twice', 'MaxCredit: 5\nMaxCredit: 6\n', /config\.yaml:2: MaxCredit.*was set before/],
  ['a map where a value should be', 'MaxCredit:\n  a: 1\n', /config\.yaml:1: MaxCredit.*must be/],
  [
    'keys that do not go together',
    'MaxMessageBytes: 4096\nMaxPendingPublishBytes: 2048\n',
    /MaxPendingPublishBytes.*4096/,
  ],
])('a config file with %s is refused', async (_, yaml, expected) => {
  const said = await refusedStart({}, configFile(yaml));
  expect(said).toMatch(expected);
  expect(said).not.toMatch(/^\s+at /m);
});

test.each<[string, string, (folder: string) => void, RegExp]>([
  [
    'is no SQLite file',
    'a.db',
    (folder) => writeFileSync(join(folder, 'a.db'), 'plain text\n'.repeat(1_000)),
    /a\.db.*no SQLite file/,
  ],
  ['is a folder', 'a.db', (folder) => mkdirSync(join(folder, 'a.db')), /a\.db.*cannot be opened/],
  ['lies below a file', 'file/a.db', (folder) => writeFileSync(join(folder, 'file'), ''), /file\/a\.db.*cannot be/],
  // Nobody may write there, not even root.
  ['cannot be written', '/proc/self/a.db', () => {}, /a\.db.*cannot be/],
])('a data file that %s is refused', async (_, DataFile, prepare, expected) => {
  expect(await refusedStart({ DataFile }, prepare)).toMatch(expected);
});

test('a data file that another gateway uses is refused, and the other one goes on', async () => {
  const first = await startGateway('embedded');
  const client = new BusClient(first.rpcUrl);
  onTestFinished(() => client.close());
  await client.makeChannel('orders', 'billing');
  const { id } = await client.publishOne({ topic: 'orders' });
  const said = await refusedStart({ DataFile: join(first.folder, 'waybill.db') });
  expect(said).toContain(`is in use by another gateway (pid ${first.pid})`);
  const [received] = await client.pull('orders', 'billing');
  expect(received?.id).toBe(id);
  expect(await client.ack([received?.receipt ?? ''])).toEqual(['ok']);
});

test.each(['RpcPort', 'HttpPort'])('a %s that somebody else listens on is refused by name', async (key) => {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const said = await refusedStart({ [key]: port });
  expect(said).toMatch(new RegExp(`${port}.*`));
  expect(said).toContain(key);
});
