import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Admin } from '@waybill/proto/waybill/v1/admin';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { AdminClient } from '../support/admin-client.js';
import { BusClient } from '../support/client.js';
import { Gateway, type Settings } from '../support/gateway.js';
import { freePorts } from '../support/ports.js';
import { tempFolder } from '../support/reaper.js';
import { until } from '../support/until.js';
import { Authority, writeIdentity } from './certificates.js';
import { RIGHTS, rightsTo, TokenFile } from './tokens.js';

const folder = tempFolder('secrets');
const tokens = new TokenFile(join(folder.path, 'tokens.json'));
const authority = new Authority('authority');
const identity = authority.issue({ name: 'gateway' });
const { cert, key } = writeIdentity(folder.path, 'gateway', identity);

const PASSWORDS = { rabbitmq: 'rabb1t-s3cret', mysql: 'mysq1-s3cret', redis: 'red1s-s3cret', jwks: 'jwks-s3cret' };
/** A line out of the middle of the private key. */
const KEY_LINE = identity.key.split('\n')[5] ?? '';

beforeAll(() => {
  tokens.add('root', rightsTo(RIGHTS, '#'));
  tokens.write();
});

afterAll(() => folder.remove());

/** Everything that must not be seen, by what it is. */
function secrets(): Record<string, string> {
  return { ...PASSWORDS, token: tokens.of('root'), wrong: WRONG, key: KEY_LINE, body: 'private-b0dy' };
}

const WRONG = `wb_${'W'.repeat(43)}`;

function expectNone(what: string, text: string): void {
  const told = Object.entries(secrets()).flatMap(([name, secret]) => (text.includes(secret) ? [name] : []));
  expect({ what, told }).toEqual({ what, told: [] });
}

test('a gateway whose services are all away tells none of its secrets, in its log, config dump, errors and pages', async () => {
  const [rabbit = 0, mysql = 0, redis = 0, jwks = 0] = await freePorts(4);
  const settings: Settings = {
    AmqpUrl: `amqp://user:${PASSWORDS.rabbitmq}@127.0.0.1:${rabbit}/`,
    DB_HOST: '127.0.0.1',
    DB_PORT: mysql,
    DB_PASSWORD: PASSWORDS.mysql,
    RedisAddr: `127.0.0.1:${redis}`,
    RedisPassword: PASSWORDS.redis,
    JwtJwksUrl: `http://user:${PASSWORDS.jwks}@127.0.0.1:${jwks}/keys`,
    JwtIssuer: 'issuer',
    JwtAudience: 'audience',
    Tokens: tokens.path,
    PrintConfig: true,
    Debug: true,
  };
  const gateway = await Gateway.create(settings);
  onTestFinished(() => gateway.remove());
  // It serves, and is not ready.
  const starting = gateway.start();
  starting.catch(() => {});
  await until(async () => expect((await fetch(`${gateway.httpUrl}/healthz`)).status).toBe(200), 20_000);
  const errors: string[] = [];
  const collect = async (work: Promise<unknown>) => {
    errors.push(await work.then(String, (error: unknown) => `${error} ${JSON.stringify(error)}`));
  };
  for (const token of [tokens.of('root'), WRONG, 'a.b.c', JWT]) {
    const client = new BusClient(gateway.rpcUrl, { token });
    const operator = new AdminClient(gateway.rpcUrl, { token });
    await collect(client.publish([{ topic: 'orders', body: 'private-b0dy' }], 1_500));
    await collect(client.publish([{ topic: 'o r d e r s', body: 'private-b0dy' }], 1_500));
    await collect(operator.call(Admin.method.listTopics, {}, 1_500));
    await collect(operator.call(Admin.method.getStats, {}, 1_500));
    client.close();
    operator.close();
    const response = await fetch(`${gateway.httpUrl}/waybill.v1.Admin/ListTopics`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, 'connect-timeout-ms': '1500' },
      body: '{"nonsense":',
    });
    errors.push(await response.text());
  }
  const ready = await fetch(`${gateway.httpUrl}/readyz`);
  expect(ready.status).toBe(503);
  expectNone('/readyz', await ready.text());
  expectNone('the errors', errors.join('\n'));
  // The files go bad while it runs.
  writeFileSync(tokens.path, JSON.stringify({ tokens: [{ name: 'a', sha256: tokens.of('root') }] }));
  await until(async () => expect(gateway.log()).toContain('cannot be used'), 10_000);
  await gateway.kill();
  expect(gateway.log()).toContain('JwtJwksUrl');
  expectNone('the log', gateway.log());
});

test('a gateway with TLS tells nothing of its key, also when that goes bad', async () => {
  tokens.write();
  const gateway = await Gateway.create({
    TlsCert: cert,
    TlsKey: key,
    Tokens: tokens.path,
    PrintConfig: true,
    Debug: true,
  });
  onTestFinished(() => gateway.remove());
  await gateway.start();
  writeFileSync(key, identity.key.replace(KEY_LINE, KEY_LINE.toLowerCase()));
  await until(async () => expect(gateway.log()).toContain('cannot be used'), 10_000);
  await gateway.stop();
  expectNone('the log', gateway.log());
});

/** In the form of a JSON Web Token, with a claim that nobody needs to see. */
const JWT = [{ alg: 'RS256', kid: 'k' }, { sub: 'private-b0dy', exp: 4_000_000_000 }, {}]
  .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .join('.');
