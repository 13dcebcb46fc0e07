import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { php, preparePhp } from '../php/php.js';
import { startGateway } from '../support/gateway.js';
import { tempFolder } from '../support/reaper.js';
import { Authority, writeIdentity } from './certificates.js';
import { rightsTo, TokenFile } from './tokens.js';

const folder = tempFolder('security-php');

beforeAll(preparePhp, 900_000);
afterAll(() => folder.remove());

const PUBLISH = `
require 'vendor/autoload.php';
$tls = new Waybill\\TlsOptions(getenv('CA') ?: null, getenv('CERT') ?: null, getenv('KEY') ?: null);
$client = Waybill\\Client::connect(new Waybill\\ConnectOptions(url: getenv('URL'), tls: $tls, token: getenv('TOKEN') ?: null, deadline: 5));
try {
    echo $client->publish(getenv('TOPIC'), 'hello')->outcome->name;
} catch (Waybill\\Exception\\WaybillException $refused) {
    echo get_class($refused);
}`;

test('PHP publishes over mutual TLS with a token, and is told when it may not', { timeout: 300_000 }, async () => {
  const authority = new Authority('authority');
  const ca = join(folder.path, 'ca.pem');
  writeFileSync(ca, authority.cert);
  const server = writeIdentity(folder.path, 'server', authority.issue({ name: 'gateway' }));
  const mine = writeIdentity(folder.path, 'mine', authority.issue({ name: 'client' }));
  const tokens = new TokenFile(join(folder.path, 'tokens.json'));
  const token = tokens.add('shop', rightsTo(['publish'], 'orders'));
  tokens.write();
  const gateway = await startGateway('embedded', {
    TlsCert: server.cert,
    TlsKey: server.key,
    TlsClientCa: ca,
    Tokens: tokens.path,
  });
  const publish = (env: Readonly<Record<string, string>>) =>
    php(['-r', PUBLISH], {
      env: { URL: gateway.rpcUrl, CA: ca, CERT: mine.cert, KEY: mine.key, TOKEN: token, TOPIC: 'orders', ...env },
    });
  expect(await publish({})).toMatch(/^Parked$/i);
  expect(await publish({ TOPIC: 'payments' })).toContain('AccessException');
  expect(await publish({ TOKEN: 'wb_wrong' })).toContain('AccessException');
  expect(await publish({ CERT: '', KEY: '' })).toMatch(/Unavailable|Deadline/);
});
