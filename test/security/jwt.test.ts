import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { BusClient } from '../support/client.js';
import { type Gateway, type GatewayGroup, gatewayGroup, type Settings, startGateway } from '../support/gateway.js';
import { tempFolder } from '../support/reaper.js';
import { until } from '../support/until.js';
import { AUDIENCE, ISSUER, Issuer, KeyServer } from './issuer.js';

const folder = tempFolder('jwt');
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;
const PERMISSION_DENIED = 7;
const PUBLISHER = { waybill: { publish: ['orders.*'] } };

afterAll(() => folder.remove());

async function issuerWithKey(): Promise<Issuer> {
  const issuer = new Issuer();
  await issuer.rotate('one');
  return issuer;
}

async function start(issuer: Issuer, settings: Settings = {}) {
  const server = await KeyServer.start(issuer);
  onTestFinished(() => server.stop());
  return { server, gateway: await startGateway('embedded', { ...settingsOf(server), ...settings }) };
}

function settingsOf({ url }: KeyServer): Settings {
  return { JwtJwksUrl: url, JwtIssuer: ISSUER, JwtAudience: AUDIENCE };
}

function clientOf({ rpcUrl }: Gateway, token: string): BusClient {
  const client = new BusClient(rpcUrl, { token });
  onTestFinished(() => client.close());
  return client;
}

/** The status of a publish with this token; 0 for OK. */
async function publish(gateway: Gateway, token: string, topic = 'orders.created'): Promise<number> {
  try {
    await clientOf(gateway, token).publishOne({ topic });
    return 0;
  } catch (error) {
    return error instanceof Error && 'code' in error ? Number(error.code) : -1;
  }
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

test('a token may do what its claim, and its scope, say, and nothing else', async () => {
  const issuer = await issuerWithKey();
  const { gateway } = await start(issuer);
  expect(await publish(gateway, await issuer.token(PUBLISHER))).toBe(0);
  expect(await publish(gateway, await issuer.token(PUBLISHER), 'payments')).toBe(PERMISSION_DENIED);
  const scoped = await issuer.token({
    scope: 'openid waybill:publish:orders.* waybill:consume:orders.*/billing waybill:publish:a*b',
  });
  expect(await publish(gateway, scoped)).toBe(0);
  const consumer = clientOf(gateway, scoped);
  await (await consumer.subscribe('orders.created', 'billing')).close();
  await expect(consumer.subscribe('orders.created', 'audit')).rejects.toMatchObject({ code: PERMISSION_DENIED });
  expect(await publish(gateway, await issuer.token({ waybill: 'all', scope: 7 }))).toBe(PERMISSION_DENIED);
});

describe('a token is refused', () => {
  let issuer: Issuer;
  let server: KeyServer;
  let group: GatewayGroup;
  let gateway: Gateway;

  beforeAll(async () => {
    issuer = await issuerWithKey();
    server = await KeyServer.start(issuer);
    group = await gatewayGroup('embedded');
    gateway = await group.start(settingsOf(server));
  });

  afterAll(async () => {
    await group?.remove();
    await server?.stop();
  });

  const now = () => Math.floor(Date.now() / 1000);
  const claims = () => ({ iss: ISSUER, aud: AUDIENCE, sub: 'service', exp: now() + 300, ...PUBLISHER });

  test.each<[string, (issuer: Issuer) => Promise<string>]>([
    ['of another issuer', (issuer) => issuer.token({ ...PUBLISHER, iss: 'https://evil.test/' })],
    ['for another audience', (issuer) => issuer.token({ ...PUBLISHER, aud: 'bank' })],
    ['that is expired', (issuer) => issuer.token({ ...PUBLISHER, exp: now() - 60 })],
    ['that is not good yet', (issuer) => issuer.token({ ...PUBLISHER, nbf: now() + 3_600 })],
    ['without an end', (issuer) => issuer.token({ ...PUBLISHER, exp: undefined })],
    ['without a subject', (issuer) => issuer.token({ ...PUBLISHER, sub: undefined })],
    ['signed by a key that nobody knows', async () => (await issuerWithKey()).token(PUBLISHER)],
    [
      'without a signature, by the algorithm none',
      async () => `${part({ alg: 'none', kid: 'one' })}.${part(claims())}.`,
    ],
    [
      'with claims that were changed afterwards',
      async (issuer) => {
        const [head, , signature] = (await issuer.token(PUBLISHER)).split('.');
        return `${head}.${part({ ...claims(), waybill: { publish: ['#'] } })}.${signature}`;
      },
    ],
    [
      'signed by HMAC with the public key as the secret',
      async (issuer) => {
        const [key] = JSON.parse(issuer.keys).keys;
        const text = `${part({ alg: 'HS256', kid: 'one' })}.${part(claims())}`;
        return `${text}.${createHmac('sha256', JSON.stringify(key)).update(text).digest('base64url')}`;
      },
    ],
    ['signed by a secret', () => new SignJWT(claims()).setProtectedHeader({ alg: 'HS256' }).sign(new Uint8Array(32))],
    ['that is nonsense of the right form', async () => 'a.b.c'],
  ])('%s', async (_, make) => {
    const token = await make(issuer);
    expect(await publish(gateway, token)).toBe(UNAUTHENTICATED);
    expect(await publish(gateway, await issuer.token(PUBLISHER))).toBe(0);
    expect(gateway.log()).not.toContain(token);
  });
});

test('clocks may be apart by as much as the config says', async () => {
  const issuer = await issuerWithKey();
  const { gateway } = await start(issuer, { JwtClockSkewSeconds: 120 });
  const ago = (seconds: number) => Math.floor(Date.now() / 1000) - seconds;
  expect(await publish(gateway, await issuer.token({ ...PUBLISHER, exp: ago(60) }))).toBe(0);
  expect(await publish(gateway, await issuer.token({ ...PUBLISHER, exp: ago(180) }))).toBe(UNAUTHENTICATED);
});

test('a new key of the issuer is fetched when a token names it', async () => {
  const issuer = await issuerWithKey();
  const { gateway, server } = await start(issuer);
  expect(await publish(gateway, await issuer.token(PUBLISHER))).toBe(0);
  const before = server.asked;
  await issuer.rotate('two');
  const token = await issuer.token(PUBLISHER);
  await until(async () => expect(await publish(gateway, token)).toBe(0), 20_000);
  expect(server.asked).toBeGreaterThan(before);
});

test('keys that cannot be had make a call worth a retry, and what was verified before goes on', async () => {
  const issuer = await issuerWithKey();
  const { gateway, server } = await start(issuer);
  const known = await issuer.token(PUBLISHER);
  expect(await publish(gateway, known)).toBe(0);
  await server.stop();
  expect(await publish(gateway, known)).toBe(0);
  await issuer.rotate('two');
  const token = await issuer.token(PUBLISHER);
  await until(async () => expect(await publish(gateway, token)).toBe(UNAVAILABLE), 20_000);
});

test('keys in a file are read again, and a key that is gone ends the streams that came by it', async () => {
  const issuer = await issuerWithKey();
  const path = join(folder.path, 'keys.json');
  writeFileSync(path, issuer.keys);
  const gateway = await startGateway('embedded', { JwtJwksFile: path, JwtIssuer: ISSUER, JwtAudience: AUDIENCE });
  const token = await issuer.token({ waybill: { consume: ['#'], publish: ['#'] } });
  const client = clientOf(gateway, token);
  const stream = await client.subscribe('orders', 'billing');
  await issuer.rotate('two');
  issuer.withdraw('one');
  writeFileSync(path, issuer.keys);
  expect(await stream.ended).toMatchObject({ code: UNAVAILABLE });
  expect(await publish(gateway, token)).toBe(UNAUTHENTICATED);
  expect(await publish(gateway, await issuer.token(PUBLISHER))).toBe(0);
});

test('a stream ends when its token does', async () => {
  const issuer = await issuerWithKey();
  const { gateway } = await start(issuer, { JwtClockSkewSeconds: 0 });
  const exp = Math.floor(Date.now() / 1000) + 8;
  const client = clientOf(gateway, await issuer.token({ waybill: { consume: ['#'] }, exp }));
  const stream = await client.subscribe('orders', 'billing');
  expect(await stream.ended).toMatchObject({ code: UNAVAILABLE });
  expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000);
});
