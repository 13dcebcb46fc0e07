import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startGateway } from '../support/gateway.js';
import { Program } from '../support/program.js';
import { tempFolder } from '../support/reaper.js';
import { Authority, writeIdentity } from './certificates.js';

const CLI = 'server/dist/cli/main.js';
const folder = tempFolder('cli-token');

afterAll(() => folder.remove());

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const program = new Program([CLI, ...args], env).type('');
  const code = await program.exit();
  return { code, stdout: program.stdout, stderr: program.stderr };
}

test('a token that the command makes works as soon as its entry is in the file, by option and by environment, over mutual TLS too', {
  timeout: 300_000,
}, async () => {
  const made = await run([
    'token',
    'create',
    '--name',
    'billing',
    '--publish',
    'orders.*',
    '--read',
    '#',
    '--consume',
    'orders.*/billing',
  ]);
  expect(made).toMatchObject({ code: 0, stderr: '' });
  const token = /^ {2}(wb_\S+)$/m.exec(made.stdout)?.[1] ?? '';
  const entry = made.stdout.slice(made.stdout.indexOf('  - name'));
  expect(entry).not.toContain(token);
  const path = join(folder.path, 'tokens.yaml');
  writeFileSync(path, `tokens:\n${entry}`);

  const authority = new Authority('authority');
  const ca = join(folder.path, 'ca.pem');
  writeFileSync(ca, authority.cert);
  const server = writeIdentity(folder.path, 'server', authority.issue({ name: 'gateway' }));
  const mine = writeIdentity(folder.path, 'client', authority.issue({ name: 'client' }));
  const gateway = await startGateway('embedded', {
    Tokens: path,
    TlsCert: server.cert,
    TlsKey: server.key,
    TlsClientCa: ca,
  });
  const tls = ['--tls-ca', ca, '--tls-cert', mine.cert, '--tls-key', mine.key];
  const url = ['--url', gateway.rpcUrl];
  const env = {
    WAYBILL_URL: gateway.rpcUrl,
    WAYBILL_TOKEN: token,
    WAYBILL_CA: ca,
    WAYBILL_CERT: mine.cert,
    WAYBILL_KEY: mine.key,
  };
  expect(await run(['pub', 'orders.created', 'hello', ...url, ...tls, '--token', token])).toMatchObject({ code: 0 });
  expect(await run(['pub', 'orders.created', 'hello'], env)).toMatchObject({ code: 0 });
  expect(await run(['topic', 'list', '--json'], env)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('orders.created'),
  });
  const refused = await run(['channel', 'create', 'orders.created', 'billing', ...url, ...tls, '--token', token]);
  expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining('may not change') });
  expect(await run(['topic', 'list', ...url, ...tls])).toMatchObject({ code: 5 });
  const { stdout } = await run(['doctor', '--json'], { ...env, RpcPort: '0', HttpPort: '0' });
  expect(stdout).toContain('encrypted, certificate valid');
});

test.each([
  [['--name', 'a b', '--publish', '#'], '--name takes'],
  [['--name', 'a'], 'without rights is of no use'],
  [['--name', 'a', '--publish', 'a/b'], 'names a channel'],
  [['--name', 'a', '--read', 'a*b'], 'mixes'],
  [['--name', 'a', '--read', '#', '--expires', 'soon'], '--expires takes a time'],
])('token create %j is refused', async (args, words) => {
  const { code, stderr, stdout } = await run(['token', 'create', ...args]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain(words);
});

test('token create --json is for programs', async () => {
  const { stdout } = await run(['token', 'create', '--name', 'ci', '--admin', 'ci.#', '--json']);
  expect(JSON.parse(stdout)).toEqual({
    token: expect.stringMatching(/^wb_[A-Za-z0-9_-]{43}$/),
    entry: { name: 'ci', sha256: expect.stringMatching(/^[0-9a-f]{64}$/), admin: ['ci.#'] },
  });
});
