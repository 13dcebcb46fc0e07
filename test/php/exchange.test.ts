import { randomBytes } from 'node:crypto';
import { type Bus, connect, type Message, ReplyError } from '@waybill/sdk';
import { beforeAll, expect, test } from 'vitest';
import { ROOT } from '../compat/tools.js';
import { atTestEnd } from '../support/cleanup.js';
import { type Engine, startGateway } from '../support/gateway.js';
import { php, preparePhp } from './php.js';

beforeAll(preparePhp, 900_000);

const traceparent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;

test.each<Engine>(['embedded', 'cluster'])(
  'a PHP publisher reaches a TypeScript consumer, trace context and all (%s)',
  async (engine) => {
    const { bus, url, topic } = await meeting(engine);
    const arrived = new Promise<Message>((resolve) => {
      bus.subscribe(topic, 'typescript', resolve);
    });
    const id = await php([`${ROOT}/test/php/publish.php`, url, topic, 'grüße aus PHP', traceparent]);
    const message = await arrived;
    expect(message).toMatchObject({ id, topic, key: 'from PHP', attempt: 1 });
    expect(message.text()).toBe('grüße aus PHP');
    expect(message.headers).toEqual({ language: 'PHP', traceparent });
  },
);

test.each<Engine>(['embedded', 'cluster'])(
  'a TypeScript publisher reaches a PHP consumer, trace context and all (%s)',
  async (engine) => {
    const { bus, url, topic } = await meeting(engine);
    const { id } = await bus.publish(topic, 'grüße aus TypeScript', {
      key: 'from TypeScript',
      headers: { traceparent },
    });
    const said: unknown = JSON.parse(await php([`${ROOT}/test/php/consume.php`, url, topic, 'php']));
    expect(said).toEqual({ id, body: 'grüße aus TypeScript', key: 'from TypeScript', traceparent });
  },
);

test.each<Engine>(['embedded', 'cluster'])(
  'PHP asks and TypeScript answers, with a reply or with an error (%s)',
  async (engine) => {
    const { bus, url, topic } = await meeting(engine);
    bus.serve(topic, 'service', (message) => {
      if (message.text() === 'stone') throw new ReplyError('no such fruit', { asked: 'stone' });
      return message.text().toUpperCase();
    });
    const answers = await Promise.all(
      ['apple', 'stone'].map((fruit) => php([`${ROOT}/test/php/request.php`, url, topic, fruit])),
    );
    expect(answers.map((answer) => JSON.parse(answer))).toEqual([
      { body: 'APPLE', traceparent: null },
      { error: 'no such fruit', reason: 'REPLY_ERROR', details: '{"asked":"stone"}' },
    ]);
  },
);

test.each<Engine>(['embedded', 'cluster'])('TypeScript asks and PHP answers (%s)', async (engine) => {
  const { bus, url, topic } = await meeting(engine);
  const answering = php([`${ROOT}/test/php/answer.php`, url, topic, 'service']);
  const reply = await bus.request(topic, 'apple', { timeout: '30s', headers: { traceparent } });
  expect(reply.text()).toBe('APPLE');
  expect(reply.headers).toMatchObject({ traceparent });
  await answering;
});

async function meeting(engine: Engine): Promise<{ bus: Bus; url: string; topic: string }> {
  const gateway = await startGateway(engine);
  const bus = await connect(gateway.rpcUrl);
  atTestEnd(() => bus.close());
  return { bus, url: gateway.rpcUrl, topic: `exchange.${randomBytes(6).toString('hex')}` };
}
