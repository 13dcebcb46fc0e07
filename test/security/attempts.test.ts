import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { MqTopic } from '@waybill/proto/mq/mq';
import { Admin, MessageState } from '@waybill/proto/waybill/v1/admin';
import {
  AckResponseSchema,
  Bus,
  PublishOutcome,
  PublishStreamResponseSchema,
  SettleStatus,
} from '@waybill/proto/waybill/v1/bus';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AdminClient } from '../support/admin-client.js';
import { BusClient } from '../support/client.js';
import { type Engine, type Gateway, type GatewayGroup, gatewayGroup } from '../support/gateway.js';
import { LockClient } from '../support/lock-client.js';
import { tempFolder } from '../support/reaper.js';
import { RpcClient } from '../support/rpc.js';
import { AttemptClient, type Attempter, type Outcome } from './attempt-client.js';
import { type Attempt, attemptsAt, SERVICES, type Target } from './attempts.js';
import { HttpAttempter } from './http-attempter.js';
import { RIGHTS, type Right, rightsTo, TokenFile } from './tokens.js';

const ENGINES: readonly Engine[] = ['embedded', 'cluster'];
/** No part of these names may reach an outsider. */
const TOPIC = 'own.hush-hush';
const CHANNEL = 'hidden-channel';
const PATTERN = 'own.*';
const CRON = 'hidden-entry';
const SECRETS = ['hush-hush', CRON, 'hidden-channel', 'own.', 'covert-body'];

test('the table has every method of every service', () => {
  const target: Target = { topic: 't', channel: 'c', receipt: 'r', alias: 'a', lockToken: 'l', cron: 'n' };
  const attempted = attemptsAt(target).map(({ method }) => `${method.parent.typeName}/${method.name}`);
  const all = SERVICES.flatMap(({ typeName, methods }) => methods.map(({ name }) => `${typeName}/${name}`));
  expect(attempted.toSorted()).toEqual(all.toSorted());
});

describe.each(ENGINES)('a gateway of the %s engine that asks for tokens', (engine) => {
  const folder = tempFolder('security');
  const tokens = new TokenFile(join(folder.path, 'tokens.json'));
  let group: GatewayGroup;
  let gateway: Gateway;
  let client: AttemptClient;
  let ports: readonly Attempter[];
  let owner: BusClient;
  let operator: AdminClient;
  let attempts: Attempt[];
  let receipt: string;

  beforeAll(async () => {
    tokens.add('root', rightsTo(RIGHTS, '#'));
    tokens.add('outsider', rightsTo(RIGHTS, 'other.#'));
    tokens.add('neighbour', rightsTo(RIGHTS, `${TOPIC}/other-channel`, 'other.#'));
    tokens.add('late', { ...rightsTo(RIGHTS, '#'), expires: '2020-01-01T00:00:00Z' });
    for (const right of RIGHTS) {
      tokens.add(`with-${right}`, rightsTo([right], 'own.#'));
      // Whoever may change may see.
      const others = RIGHTS.filter((other) => other !== right && !(right === 'read' && other === 'admin'));
      tokens.add(`without-${right}`, rightsTo(others, '#'));
    }
    tokens.write();
    group = await gatewayGroup(engine);
    gateway = await group.start({ Tokens: tokens.path });
    const token = tokens.of('root');
    owner = new BusClient(gateway.rpcUrl, { token });
    operator = new AdminClient(gateway.rpcUrl, { token });
    client = new AttemptClient(gateway.rpcUrl);
    ports = [client, new HttpAttempter(gateway.httpUrl)];
    const target = await fill();
    receipt = target.receipt;
    attempts = attemptsAt(target);
  });

  afterAll(async () => {
    client?.close();
    owner?.close();
    operator?.close();
    await group?.remove();
    folder.remove();
  });

  /** Something of each kind that a list could tell of. */
  async function fill(): Promise<Target> {
    const body = 'covert-body';
    await owner.makeChannel(TOPIC, CHANNEL);
    await owner.makeChannel(PATTERN, CHANNEL);
    await owner.makeChannel('other.open', 'public');
    await owner.publish([{ topic: TOPIC, id: 'dies', body }]);
    const [dying] = await owner.pull(TOPIC, CHANNEL);
    await owner.reject([dying?.receipt ?? ''], 'covert-body');
    await owner.publish([{ topic: TOPIC, id: 'later', body, delayMs: 3_600_000 }]);
    await owner.publish([{ topic: 'own.hush-hush.parked', id: 'parked', body }]);
    await owner.publish([{ topic: TOPIC, id: 'held', body }]);
    const [held] = await owner.pull(TOPIC, CHANNEL, { leaseSeconds: 3_600 });
    await owner.publish([{ topic: TOPIC, id: 'aliased', body }]);
    const rpc = new RpcClient(gateway.rpcUrl, { token: tokens.of('root') });
    const { id: alias } = await rpc.call(MqTopic.method.subscribe, { topic: TOPIC, queueName: CHANNEL }, 10_000);
    rpc.close();
    const locks = new LockClient(gateway.rpcUrl, { token: tokens.of('root') });
    const lock = await locks.acquire(TOPIC, 3_600_000);
    locks.close();
    await operator.call(Admin.method.pauseChannel, { topic: PATTERN, channel: CHANNEL });
    const entry = { name: CRON, topic: TOPIC, expression: '0 0 1 1 *' };
    await operator.call(Admin.method.createCronEntry, { entry });
    return {
      topic: TOPIC,
      channel: CHANNEL,
      receipt: held?.receipt ?? '',
      alias,
      lockToken: lock?.token ?? '',
      cron: CRON,
    };
  }

  /** Makes all attempts as one caller by both ports; answers what came of each, by its method. */
  async function makeAll(authorization: string | undefined, of = attempts): Promise<[string, Attempt, Outcome][]> {
    const made: [string, Attempt, Outcome][] = [];
    for (const attempt of of) {
      const { parent, name } = attempt.method;
      for (const port of ports) {
        const outcome = await port.make(attempt, authorization);
        if (outcome !== undefined) made.push([`${parent.typeName}/${name}`, attempt, outcome]);
      }
    }
    return made;
  }

  const bearer = (name: string) => `Bearer ${tokens.of(name)}`;

  test.each<[string, () => string | undefined]>([
    ['no token', () => undefined],
    ['a token that nobody was given', () => `Bearer wb_${'A'.repeat(43)}`],
    ['a token that is expired', () => bearer('late')],
    ['the hash of a token in its place', () => `Bearer ${'0'.repeat(64)}`],
    ['a token in the manner of basic authentication', () => `Basic ${tokens.of('root')}`],
    ['a token with something behind it', () => `${bearer('root')} x`],
    ['an empty token', () => 'Bearer '],
    ['a token that is a JSON Web Token without a signature', () => `Bearer ${unsigned()}`],
  ])('does nothing for %s', async (_, authorization) => {
    for (const [method, , outcome] of await makeAll(authorization())) {
      const limited = 'reason' in outcome && outcome.reason === 'RATE_LIMITED';
      const expected = limited ? 'RESOURCE_EXHAUSTED' : 'UNAUTHENTICATED';
      expect({ method, outcome }).toMatchObject({ method, outcome: { code: expected } });
      expectNoNames(method, outcome);
    }
  });

  test.each(RIGHTS)('does nothing that takes the right to %s for who has every other right', async (right) => {
    const taking = attempts.filter((attempt) => attempt.right === right);
    for (const [method, , outcome] of await makeAll(bearer(`without-${right}`), taking)) {
      expect({ method, outcome }).toMatchObject({ method, outcome: denied });
    }
  });

  test.each(['outsider', 'neighbour'])(
    'tells nothing of names that are out of the sight of the %s, and does nothing',
    async (who) => {
      for (const [method, attempt, outcome] of await makeAll(bearer(who))) {
        const knowsTheName = who === 'neighbour' && NAMED.has(method);
        if (knowsTheName) continue;
        if (attempt.outsider === 'filtered') {
          expect({ method, refused: 'code' in outcome }).toEqual({ method, refused: false });
          expectNoNames(method, outcome);
        } else if (attempt.outsider === 'absent') {
          expect({ method, outcome }).toMatchObject({ method, outcome: { code: 'NOT_FOUND' } });
        } else {
          expect({ method, outcome: refusalIn(attempt, outcome) }).toMatchObject({ method, outcome: denied });
        }
      }
      await expectUntouched();
    },
  );

  test('answers alike for what does not exist and for what may not be seen', async () => {
    const target = {
      channel: CHANNEL,
      receipt: 'l2n9c-1-1-/nowhere',
      alias: 'nowhere',
      cron: 'nowhere',
      lockToken: `${NO_SECRET}.own.none`,
    };
    const absent = await makeAll(bearer('outsider'), attemptsAt({ ...target, topic: 'own.none' }));
    const present = await makeAll(bearer('outsider'));
    for (const [i, [method, , outcome]] of present.entries()) {
      const [, , other] = absent[i] ?? [];
      expect({ method, outcome: shapeOf(outcome) }).toEqual({ method, outcome: other && shapeOf(other) });
    }
  });

  test('does not settle what others hold', async () => {
    const before = await stateOf('held');
    const [attempt] = attempts.filter(({ method }) => method === Bus.method.ack);
    const outcome = attempt === undefined ? undefined : await client.make(attempt, bearer('outsider'));
    const { results } = fromBinary(
      AckResponseSchema,
      outcome !== undefined && 'answer' in outcome ? outcome.answer : Buffer.alloc(0),
    );
    expect(results).toMatchObject([{ status: SettleStatus.UNKNOWN }]);
    // Nor by a stream of its own.
    const outsider = new BusClient(gateway.rpcUrl, { token: tokens.of('outsider') });
    const stream = await outsider.subscribe('other.open', 'public');
    expect(await stream.ack([receipt])).toEqual(['unknown']);
    expect(await stream.nack([receipt, 'nonsense'], 0)).toEqual(['unknown', 'unknown']);
    await stream.close();
    outsider.close();
    expect(await stateOf('held')).toEqual(before);
  });

  test('lets nobody subscribe to a pattern without the right to all that it matches', async () => {
    const outsider = new BusClient(gateway.rpcUrl, { token: tokens.of('outsider') });
    for (const pattern of ['#', 'own.*', '*.hush-hush', 'other.#.x.#', '*.*', '#.other']) {
      const opening = outsider.subscribe(pattern, 'public');
      if (pattern === 'other.#.x.#') await (await opening).close();
      else await expect(opening, pattern).rejects.toMatchObject({ code: 7 });
    }
    outsider.close();
  });

  test('takes those messages of a stream whose topics are allowed, and answers why not for each of the rest', async () => {
    const rpc = new RpcClient(gateway.rpcUrl, { token: tokens.of('outsider') });
    const stream = rpc.stream(Bus.method.publishStream);
    const answered = new Promise((resolve) => stream.once('data', resolve));
    stream.write({
      $typeName: 'waybill.v1.PublishStreamRequest',
      sequence: 1n,
      messages: ['other.open', TOPIC].map((topic) => message(topic)),
    });
    expect(await answered).toMatchObject({
      results: [
        { outcome: PublishOutcome.ACCEPTED },
        { error: { code: 7, reason: 'PERMISSION_DENIED', field: 'messages[1].topic' } },
      ],
    });
    stream.end();
    await new Promise((resolve) => stream.once('end', resolve));
    rpc.close();
  });

  test.each(RIGHTS)('does what takes the right to %s for who has it', async (right: Right) => {
    const taking = attempts.filter((attempt) => attempt.right === right && !attempt.everything);
    for (const [method, , outcome] of await makeAll(bearer(`with-${right}`), taking)) {
      const code = 'code' in outcome ? outcome.code : 'OK';
      expect({ method, allowed: !['UNAUTHENTICATED', 'PERMISSION_DENIED'].includes(code) }).toEqual({
        method,
        allowed: true,
      });
    }
  });

  test('notes in the audit log, by name, who changed something', async () => {
    const { entries } = await operator.call(Admin.method.listAudit, { pageSize: 100 });
    expect(new Set(entries.map(({ actor }) => actor))).toEqual(new Set(['root', 'with-admin']));
  });

  /** What others hold, hide and wait for is as it was. */
  async function expectUntouched(): Promise<void> {
    expect(await stateOf('held')).toBe(MessageState.LEASED);
    expect(await stateOf('aliased')).toBe(MessageState.LEASED);
    expect(await stateOf('dies')).toBe(MessageState.DEAD);
    const { channel } = await operator.call(Admin.method.getChannel, { topic: TOPIC, channel: CHANNEL });
    expect(channel?.paused).toBe(false);
  }

  async function stateOf(id: string): Promise<MessageState | undefined> {
    const { timelines } = await operator.call(Admin.method.getMessage, { topic: TOPIC, id });
    return timelines
      .map(({ record }) => record)
      .find((record) => record?.channel === CHANNEL && record.channelTopic === TOPIC)?.state;
  }
});

const NO_SECRET = '00000000-0000-0000-0000-000000000000';
const denied = { code: 'PERMISSION_DENIED', reason: 'PERMISSION_DENIED', domain: 'waybill' };
/** Who has a right to one channel of the topic knows its name, publishes to it, and locks what is called like it. */
const NAMED = new Set([
  ...['Publish', 'PublishStream', 'Cancel', 'Reschedule'].map((name) => `waybill.v1.Bus/${name}`),
  ...['GetTopic', 'GetMessage', 'ListTopics', 'ListChannels', 'ListScheduled', 'ListCronEntries', 'GetCronEntry'].map(
    (name) => `waybill.v1.Admin/${name}`,
  ),
  'waybill.v1.Admin/ListLocks',
  ...['Acquire', 'Renew', 'Release'].map((name) => `waybill.v1.Locks/${name}`),
  ...['mq.Mq', 'mq.MqTopic'].flatMap((service) => [`${service}/publish`, `${service}/delayPublish`]),
]);

/** The refusal of the only message, where messages are answered one by one. */
function refusalIn({ outsider }: Attempt, outcome: Outcome): unknown {
  if (outsider !== 'by message' || !('answer' in outcome)) return outcome;
  const [result] = fromBinary(PublishStreamResponseSchema, outcome.answer).results;
  const { code, reason } = result?.error ?? {};
  return { code: code === status.PERMISSION_DENIED ? 'PERMISSION_DENIED' : code, reason, domain: 'waybill' };
}

function expectNoNames(method: string, outcome: Outcome): void {
  const text = 'answer' in outcome ? outcome.answer.toString('latin1') : '';
  expect({ method, told: SECRETS.filter((secret) => text.includes(secret)) }).toEqual({ method, told: [] });
}

/** What an answer shows, without what changes from call to call, and the name that was asked for. */
function shapeOf(outcome: Outcome): unknown {
  if ('code' in outcome) return [outcome.code, outcome.reason, outcome.message.replaceAll(/"[^"]*"/g, '"…"')];
  return 'answered';
}

function unsigned(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none', typ: 'JWT' })}.${part({ sub: 'root', exp: 4_000_000_000, waybill: { publish: ['#'] } })}.`;
}

function message(topic: string) {
  return {
    $typeName: 'waybill.v1.Message' as const,
    id: '',
    topic,
    body: new Uint8Array(),
    headers: {},
    key: '',
    delayMs: 0n,
    dueTimeMs: 0n,
    ttlMs: 0n,
    publishTimeMs: 0n,
  };
}
