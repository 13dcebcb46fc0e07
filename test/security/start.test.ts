import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { Gateway, type Settings, startGateway } from '../support/gateway.js';
import { tempFolder } from '../support/reaper.js';
import { Authority, writeIdentity } from './certificates.js';
import { rightsTo, TokenFile } from './tokens.js';

const folder = tempFolder('start');
const tokens = new TokenFile(join(folder.path, 'tokens.json'));
tokens.add('root', rightsTo(['publish'], '#'));
tokens.write();

afterAll(() => folder.remove());

/** It is 127.0.0.1, and not known to be before it is looked up: so a test listens there, and is taken for one that strangers reach. */
const LOOKED_UP = '127.1';

/** What a gateway prints that ends at its start with code 1. */
async function refusedStart(settings: Settings): Promise<string> {
  const gateway = await Gateway.create(settings);
  onTestFinished(() => gateway.remove());
  await expect(gateway.start()).rejects.toThrow(/^the gateway ended with 1;/);
  expect(gateway.log()).not.toMatch(/^\s+at /m);
  return gateway.log();
}

test.each<[string, Settings]>([
  ['0.0.0.0', { Host: '0.0.0.0' }],
  ['all addresses of IPv6', { Host: '::' }],
  ['a name that is not loopback', { Host: 'gateway.internal' }],
  ['a private address', { Host: '10.0.0.1' }],
  ['the default of the cluster engine', { Host: '', AmqpUrl: 'amqp://127.0.0.1:1/' }],
])('a gateway that would serve everybody on %s does not start, and says what helps', async (_, settings) => {
  const said = await refusedStart(settings);
  expect(said).toContain('would serve everybody who reaches');
  for (const key of ['Host', 'Tokens', 'JwtJwksUrl', 'TlsClientCa', 'AllowInsecure'])
    expect(said).toContain(`${key}: `);
});

test('it starts there with tokens, and warns that they travel in plain text', async () => {
  const gateway = await startGateway('embedded', { Host: LOOKED_UP, Tokens: tokens.path });
  expect(gateway.log()).toContain('tokens and messages travel in plain text');
});

test('it starts there when it is told to, and warns', async () => {
  const gateway = await startGateway('embedded', { Host: LOOKED_UP, AllowInsecure: true });
  expect(gateway.log()).toContain('everybody who reaches this gateway is served');
});

test('embedded listens on this machine alone unless told otherwise, and asks nobody', async () => {
  const gateway = await startGateway('embedded', { Host: '' });
  expect(gateway.log()).toMatch(/"host":"127\.0\.0\.1".*http server listens/);
});

const { cert, key } = writeIdentity(folder.path, 'gateway', new Authority('authority').issue({ name: 'gateway' }));
const other = writeIdentity(folder.path, 'other', new Authority('authority').issue({ name: 'other' }));

test.each<[string, Settings, RegExp]>([
  ['a certificate without a key', { TlsCert: cert }, /TlsCert.*needs TlsKey/],
  ['authorities of clients without a certificate', { TlsClientCa: cert }, /TlsClientCa.*needs TlsCert/],
  ['keys of tokens without an issuer', { JwtJwksFile: cert }, /JwtJwksFile.*needs JwtIssuer/],
  ['a file that is not there', { Tokens: '/nowhere/tokens.yaml' }, /Tokens cannot be read: ENOENT/],
  ['a certificate that is none', { TlsCert: tokens.path, TlsKey: key }, /TlsCert is no certificate/],
  ['the key of another certificate', { TlsCert: cert, TlsKey: other.key }, /TlsKey is not the key of TlsCert/],
  ['tokens that are none', { Tokens: cert }, /Tokens cannot be used/],
])('it does not start with %s', async (_, settings, words) => {
  expect(await refusedStart(settings)).toMatch(words);
});

test.each<[string, string, RegExp]>([
  [
    'a token in place of its hash',
    'tokens: [{name: a, sha256: wb_secret, publish: ["#"]}]',
    /tokens\[0\]: sha256 takes the 64 hex/,
  ],
  ['a right that there is none of', `tokens: [{name: a, sha256: ${'0'.repeat(64)}, write: ["#"]}]`, /write is no key/],
  ['a pattern that is none', `tokens: [{name: a, sha256: ${'0'.repeat(64)}, read: ["a*"]}]`, /read: .*mixes/],
  [
    'a channel where there is none',
    `tokens: [{name: a, sha256: ${'0'.repeat(64)}, publish: ["a/b"]}]`,
    /names a channel/,
  ],
  ['one name twice', 'certificates: [{name: a, subject: s}, {name: b, subject: s}]', /has the subject of another/],
  ['a time that is none', `tokens: [{name: a, sha256: ${'0'.repeat(64)}, expires: soon}]`, /expires takes a time/],
])('a file of tokens with %s is refused, and nothing of it is told', async (name, text, words) => {
  const path = join(folder.path, `${name.replaceAll(' ', '-')}.yaml`);
  writeFileSync(path, text);
  const said = await refusedStart({ Tokens: path });
  expect(said).toMatch(words);
  expect(said).not.toContain('wb_secret');
});
