import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import { Admin } from '@waybill/proto/waybill/v1/admin';
import { connect } from '@waybill/sdk';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { AdminClient } from '../support/admin-client.js';
import { BusClient } from '../support/client.js';
import { startGateway } from '../support/gateway.js';
import { tempFolder } from '../support/reaper.js';
import { until } from '../support/until.js';
import { Authority, type Identity, writeIdentity } from './certificates.js';
import { rightsTo, TokenFile } from './tokens.js';

const authority = new Authority('Waybill test authority');
const stranger = new Authority('Somebody else');
const folder = tempFolder('tls');
const server = authority.issue({ name: 'gateway' });
const files = writeIdentity(folder.path, 'gateway', server);
const TLS = { TlsCert: files.cert, TlsKey: files.key };
const caFile = join(folder.path, 'ca.pem');

beforeAll(() => writeFileSync(caFile, authority.cert));
afterAll(() => folder.remove());

function channel(identity?: Identity, ca = authority) {
  const key = identity === undefined ? null : Buffer.from(identity.key);
  return credentials.createSsl(Buffer.from(ca.cert), key, identity === undefined ? null : Buffer.from(identity.cert));
}

/** The status of a POST to the HTTP port; rejects when TLS fails. */
async function post(url: string, identity?: Identity, method = 'waybill.v1.Admin/GetStats'): Promise<number> {
  const options = { method: 'POST', headers: { 'content-type': 'application/json' }, ca: authority.cert, agent: false };
  const call = request(`${url}/${method}`, { ...options, ...identity });
  call.end('{}');
  const [response] = await once(call, 'response');
  response.resume();
  return response.statusCode;
}

/** The common name of the certificate that a port shows to a new connection. */
async function shownBy(address: string): Promise<string> {
  const [host, port] = address.split(':');
  const socket: TLSSocket = connectTls({
    host,
    port: Number(port),
    ca: authority.cert,
    ALPNProtocols: ['h2', 'http/1.1'],
  });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
}

describe('with TLS', () => {
  test('both ports are served to clients that trust the authority, and plain ones get nothing', async () => {
    const gateway = await startGateway('embedded', TLS);
    const client = new BusClient(gateway.rpcUrl, { credentials: channel() });
    onTestFinished(() => client.close());
    expect(await client.publishOne({ topic: 'orders' })).toMatchObject({ outcome: 'parked' });
    expect(await post(gateway.httpUrl)).toBe(200);
    const plain = new BusClient(gateway.rpcUrl);
    onTestFinished(() => plain.close());
    await expect(plain.publish([{ topic: 'orders' }], 1_500)).rejects.toMatchObject({ code: expect.any(Number) });
    await expect(fetch(gateway.httpUrl.replace('https', 'http'))).rejects.toThrow();
    const doubting = new BusClient(gateway.rpcUrl, { credentials: channel(undefined, stranger) });
    onTestFinished(() => doubting.close());
    await expect(doubting.publish([{ topic: 'orders' }], 1_500)).rejects.toMatchObject({ code: expect.any(Number) });
  });

  test('the SDK connects by grpcs:// with the authority, as text or as bytes', async () => {
    const gateway = await startGateway('embedded', TLS);
    for (const ca of [authority.cert, Buffer.from(authority.cert)]) {
      const bus = await connect({ url: `grpcs://${gateway.rpcUrl}`, tls: { ca }, deadline: '5s' });
      await bus.publish('orders', 'hello');
      await bus.close();
    }
  });
});

describe('a new certificate', () => {
  test('is shown to new connections, while streams on the old one go on', async () => {
    const own = writeIdentity(folder.path, 'renewed', authority.issue({ name: 'before' }));
    const gateway = await startGateway('embedded', { TlsCert: own.cert, TlsKey: own.key });
    const http = new URL(gateway.httpUrl).host;
    const client = new BusClient(gateway.rpcUrl, { credentials: channel() });
    onTestFinished(() => client.close());
    const stream = await client.subscribe('orders', 'billing');
    expect([await shownBy(gateway.rpcUrl), await shownBy(http)]).toEqual(['before', 'before']);
    writeIdentity(folder.path, 'renewed', authority.issue({ name: 'after' }));
    await until(
      async () => expect([await shownBy(gateway.rpcUrl), await shownBy(http)]).toEqual(['after', 'after']),
      10_000,
    );
    const { id } = await client.publishOne({ topic: 'orders' });
    expect(await stream.take(1)).toMatchObject([{ id }]);
    await stream.close();
  });

  test('that cannot be used is told of in the log, and the old one stays', async () => {
    const own = writeIdentity(folder.path, 'spoilt', authority.issue({ name: 'good' }));
    const gateway = await startGateway('embedded', { TlsCert: own.cert, TlsKey: own.key });
    const other = authority.issue({ name: 'other' });
    const wrong: [string, Identity][] = [
      ['TlsCert is no certificate', { cert: 'nonsense', key: other.key }],
      ['TlsKey is no private key', { cert: other.cert, key: 'nonsense' }],
      ['TlsKey is not the key of TlsCert', { cert: other.cert, key: server.key }],
    ];
    for (const [words, identity] of wrong) {
      writeIdentity(folder.path, 'spoilt', identity);
      await until(async () => expect(gateway.log()).toContain(words), 10_000);
      expect(await shownBy(gateway.rpcUrl)).toBe('good');
      expect(await post(gateway.httpUrl)).toBe(200);
    }
    writeIdentity(folder.path, 'spoilt', other);
    await until(async () => expect(await shownBy(gateway.rpcUrl)).toBe('other'), 10_000);
  });
});

describe('with mutual TLS', () => {
  const MUTUAL = { ...TLS, TlsClientCa: caFile };
  const worker = authority.issue({ name: 'worker.example', dns: ['worker-1.example'] });
  const forged = stranger.issue({ name: 'worker.example' });

  test('a client without a certificate, or with one of another authority, gets nothing but the probes of the HTTP port', async () => {
    const gateway = await startGateway('embedded', MUTUAL);
    for (const identity of [undefined, forged]) {
      const client = new BusClient(gateway.rpcUrl, { credentials: channel(identity) });
      onTestFinished(() => client.close());
      await expect(client.publish([{ topic: 'orders' }], 1_500)).rejects.toMatchObject({ code: expect.any(Number) });
      expect(await post(gateway.httpUrl, identity)).toBe(401);
    }
    const client = new BusClient(gateway.rpcUrl, { credentials: channel(worker) });
    onTestFinished(() => client.close());
    expect(await client.publishOne({ topic: 'orders' })).toMatchObject({ outcome: 'parked' });
    expect(await post(gateway.httpUrl, worker)).toBe(200);
  });

  test('the certificate is the name of its owner in the audit log', async () => {
    const gateway = await startGateway('embedded', MUTUAL);
    const operator = new AdminClient(gateway.rpcUrl, { credentials: channel(worker) });
    onTestFinished(() => operator.close());
    await operator.call(Admin.method.createChannel, { topic: 'orders', channel: 'billing' });
    const { entries } = await operator.call(Admin.method.listAudit, {});
    expect(entries).toMatchObject([{ actor: 'worker.example', action: 'CreateChannel' }]);
  });

  test('what an owner may do is in the file of tokens, by a name of the certificate', async () => {
    const path = join(folder.path, 'certificates.json');
    const entry = { name: 'worker', subject: 'worker-1.example', publish: ['orders.#'] };
    writeFileSync(path, JSON.stringify({ certificates: [entry] }));
    const gateway = await startGateway('embedded', { ...MUTUAL, Tokens: path });
    const client = new BusClient(gateway.rpcUrl, { credentials: channel(worker) });
    onTestFinished(() => client.close());
    expect(await client.publishOne({ topic: 'orders.created' })).toMatchObject({ outcome: 'parked' });
    await expect(client.publishOne({ topic: 'payments' })).rejects.toMatchObject({ code: 7 });
    const unlisted = new BusClient(gateway.rpcUrl, { credentials: channel(authority.issue({ name: 'nobody' })) });
    onTestFinished(() => unlisted.close());
    await expect(unlisted.publishOne({ topic: 'orders.created' })).rejects.toMatchObject({ code: 16 });
  });

  test('a client may bring a token in place of a certificate where that is optional; a forged one is as none', async () => {
    const tokens = new TokenFile(join(folder.path, 'optional.json'));
    const token = tokens.add('worker', rightsTo(['publish'], '#'));
    tokens.write();
    const gateway = await startGateway('embedded', { ...MUTUAL, TlsClientAuth: 'optional', Tokens: tokens.path });
    for (const [identity, access] of [
      [undefined, { token }],
      [forged, { token }],
    ] as const) {
      const client = new BusClient(gateway.rpcUrl, { credentials: channel(identity), ...access });
      onTestFinished(() => client.close());
      expect(await client.publishOne({ topic: 'orders' })).toMatchObject({ outcome: 'parked' });
    }
    const tokenless = new BusClient(gateway.rpcUrl, { credentials: channel(forged) });
    onTestFinished(() => tokenless.close());
    await expect(tokenless.publishOne({ topic: 'orders' })).rejects.toMatchObject({ code: 16 });
    expect(await post(gateway.httpUrl, forged)).toBe(401);
  });

  test('the SDK brings its certificate, and a token that it asks for anew for every call', async () => {
    const tokens = new TokenFile(join(folder.path, 'sdk.json'));
    tokens.add('first', rightsTo(['publish', 'consume'], 'orders'));
    tokens.add('second', rightsTo(['publish', 'consume'], 'orders'));
    tokens.write();
    const gateway = await startGateway('embedded', { ...MUTUAL, Tokens: tokens.path });
    let current = 'first';
    const bus = await connect({
      url: gateway.rpcUrl,
      tls: { ca: authority.cert, ...worker },
      token: () => tokens.of(current),
      deadline: '10s',
    });
    onTestFinished(() => bus.close());
    const received: string[] = [];
    await bus.subscribe('orders', 'billing', async (message) => {
      received.push(message.text());
    });
    await bus.publish('orders', 'one');
    await until(async () => expect(received).toEqual(['one']), 10_000);
    current = 'second';
    tokens.remove('first');
    tokens.write();
    await until(async () => {
      await bus.publish('orders', 'two');
      expect(received).toContain('two');
    }, 15_000);
  });
});
