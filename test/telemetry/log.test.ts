import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { BusClient } from '../support/client.js';
import { fixedRetry } from '../support/client-types.js';
import { type Engine, type Gateway, type Settings, startGateway } from '../support/gateway.js';
import { until } from '../support/until.js';

const HIDDEN = { body: 'hidden-body', key: 'hidden-key' };
const traceId = randomBytes(16).toString('hex');
const headers = { 'hidden-name': 'hidden-value', traceparent: `00-${traceId}-${'1'.repeat(16)}-00` };

type Line = Readonly<Record<string, unknown>>;

function linesOf(gateway: Gateway): Line[] {
  return gateway
    .log()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): Line => JSON.parse(line));
}

/** Brings a message to every end that there is; answers once the log has told of all. */
async function everyEnd(engine: Engine, settings: Settings): Promise<Gateway> {
  const gateway = await startGateway(engine, settings);
  const client = new BusClient(gateway.rpcUrl);
  onTestFinished(() => client.close());
  const retry = fixedRetry(0);
  const consumer = await client.subscribe('orders', 'mail', { retry });
  await client.publishOne({ topic: 'orders', id: 'dies', ...HIDDEN, headers });
  await consumer.nack([(await consumer.next()).receipt]);
  await consumer.close();
  await client.makeChannel('late', 'mail', retry);
  await client.publishOne({ topic: 'late', id: 'expires', ttlMs: 1, ...HIDDEN, headers });
  await client.publishOne({ topic: 'nobody', id: 'waits', ...HIDDEN, headers });
  await expect(client.publishOne({ topic: 'wrong topic', id: 'refused', ...HIDDEN, headers })).rejects.toThrow('topic');
  expect(await client.pull('late', 'mail', { waitMs: 50 })).toEqual([]);
  await until(async () => {
    const told = linesOf(gateway).map(({ id }) => id);
    expect(told).toEqual(expect.arrayContaining(['dies', 'expires', 'waits', 'refused']));
  }, 10_000);
  return gateway;
}

test.each<Engine>(['embedded', 'cluster'])(
  'the log of the %s engine tells with id and trace what became of messages, and nothing of what is in them',
  async (engine) => {
    const gateway = await everyEnd(engine, {});
    const lines = linesOf(gateway).filter(({ id }) => id !== undefined);
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          level: 'warn',
          msg: 'a message is a dead letter',
          topic: 'orders',
          id: 'dies',
          traceId,
          attempt: 1,
        }),
        expect.objectContaining({ level: 'info', msg: 'a message expired', topic: 'late', id: 'expires' }),
        expect.objectContaining({ level: 'info', topic: 'nobody', id: 'waits', traceId }),
        expect.objectContaining({
          level: 'info',
          topic: 'wrong topic',
          id: 'refused',
          reason: 'TOPIC_INVALID',
          field: 'messages[0].topic',
        }),
      ]),
    );
    expect(lines).toHaveLength(4);
    expect(gateway.log()).not.toContain('hidden');
  },
);

test('Debug alone tells of every message, and still nothing of what is in it', async () => {
  const gateway = await everyEnd('embedded', { Debug: true });
  const handedOut = linesOf(gateway).find(({ msg }) => msg === 'a message was handed out');
  expect(handedOut).toMatchObject({
    level: 'debug',
    id: 'dies',
    topic: 'orders',
    channel: 'mail',
    attempt: 1,
    traceId,
  });
  expect(gateway.log()).not.toContain('hidden');
});

test('DebugPayloads without Debug tells nothing more', async () => {
  const gateway = await everyEnd('embedded', { DebugPayloads: true });
  expect(gateway.log()).not.toContain('hidden');
});

test('with Debug and DebugPayloads, headers and the first part of a body are told', async () => {
  const gateway = await everyEnd('embedded', { Debug: true, DebugPayloads: true });
  const came = linesOf(gateway).find(({ msg, id }) => msg === 'a message came' && id === 'dies');
  expect(came).toMatchObject({ outcome: 'accepted', key: 'hidden-key', body: 'hidden-body', headers });
});
