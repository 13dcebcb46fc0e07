import { randomUUID } from 'node:crypto';
import { fromBinary } from '@bufbuild/protobuf';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import {
  AckResponseSchema,
  Bus,
  PublishOutcome,
  PublishResponseSchema,
  type PublishResult,
  PublishStreamResponseSchema,
  PullResponseSchema,
  SettleStatus,
} from '@waybill/proto/waybill/v1/bus';
import { MessageSchema } from '@waybill/proto/waybill/v1/message';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Engine, type GatewayGroup, gatewayGroup } from '../support/gateway.js';
import { badCalls, badStreams, MAX_CREDIT, SETTLES } from './bad-calls.js';
import { BAD_MESSAGES, MAX_MESSAGE_BYTES, NO_PROTOBUF, UNREADABLE_MESSAGES } from './bad-messages.js';
import { refusal } from './error-info.js';
import { answered, bytesOf, RawClient } from './raw-client.js';
import { faultsOf, Witness } from './witness.js';

const ENGINES: readonly Engine[] = ['embedded', 'cluster'];
const TOPIC = 'orders';
/** Beside the largest body, for headers and framing: gRPC itself refuses what is longer. */
const GRPC_SLACK_BYTES = 1 << 20;

describe.each(ENGINES)('a gateway of the %s engine', (engine) => {
  let group: GatewayGroup;
  let witness: Witness;
  let raw: RawClient;

  beforeAll(async () => {
    group = await gatewayGroup(engine);
    const gateway = await group.start({ MaxMessageBytes: MAX_MESSAGE_BYTES, MaxCredit: MAX_CREDIT });
    raw = new RawClient(gateway.rpcUrl);
    witness = await Witness.of(gateway);
  });

  afterAll(async () => {
    raw?.close();
    witness?.close();
    await group?.remove();
  });

  /** All in one call, and all in one frame of a stream. */
  const waysToPublish = [
    async (messages: readonly Uint8Array[]): Promise<PublishResult[]> => {
      const answer = await raw.unary(Bus.method.publish, publishOf(messages));
      return answered(PublishResponseSchema, answer).results;
    },
    (messages: readonly Uint8Array[]): Promise<PublishResult[]> => {
      const call = raw.open(Bus.method.publishStream);
      return new Promise((resolve, reject) => {
        call.on('data', (bytes: Buffer) => {
          const { sequence, results } = fromBinary(PublishStreamResponseSchema, bytes);
          expect(sequence).toBe(7n);
          resolve(results);
          call.end();
        });
        call.on('error', reject);
        call.write(Buffer.from(streamedPublishOf(messages)));
      });
    },
  ];

  describe('refuses a message with', () => {
    test.each(BAD_MESSAGES)('$line', async ({ message, code, reason, field, limit }) => {
      const bad = message(TOPIC);
      const alone = await witness.sees(() => raw.unary(Bus.method.publish, publishOf([bad])));
      expect(alone).toEqual(refusal(code, reason, `messages[0].${field}`, limit));
      for (const publish of waysToPublish) {
        const [first, last] = [randomUUID(), randomUUID()];
        const results = await witness.sees(() => publish([good(first), bad, good(last)]), [first, last]);
        expect(results).toMatchObject([
          { id: first, outcome: PublishOutcome.ACCEPTED },
          { outcome: PublishOutcome.UNSPECIFIED, error: { reason, field: `messages[1].${field}`, limit } },
          { id: last, outcome: PublishOutcome.ACCEPTED },
        ]);
      }
    });
  });

  describe('takes nothing of a publish that holds', () => {
    test.each(UNREADABLE_MESSAGES)('$line', async ({ message }) => {
      const messages = [good(randomUUID()), message(TOPIC), good(randomUUID())];
      const unary = await witness.sees(() => raw.unary(Bus.method.publish, publishOf(messages)));
      expect(unary).toEqual(refusal('INVALID_ARGUMENT', 'MALFORMED'));
      const streamed = await witness.sees(() => raw.stream(Bus.method.publishStream, [streamedPublishOf(messages)]));
      expect(streamed).toEqual(refusal('INVALID_ARGUMENT', 'MALFORMED'));
    });
  });

  describe('refuses the call', () => {
    test.each(badCalls(TOPIC))('$line', async ({ method, request, code, reason, field, limit }) => {
      const answer = await witness.sees(() => raw.unary(method, request));
      expect(answer).toEqual(refusal(code, reason, field, limit));
    });

    test.each(Bus.methods.filter(({ methodKind }) => methodKind === 'unary'))(
      '$name with bytes that are no protobuf',
      async (method) => {
        for (const bytes of NO_PROTOBUF) {
          const answer = await witness.sees(() => raw.unary(method, bytes));
          expect(answer).toEqual(refusal('INVALID_ARGUMENT', 'MALFORMED'));
        }
      },
    );
  });

  describe('ends the stream', () => {
    test.each(badStreams(TOPIC))('$line', async ({ frames, code, reason, field, limit }) => {
      const end = await witness.sees(() => raw.stream(Bus.method.subscribe, frames));
      expect(end).toEqual(refusal(code, reason, field, limit));
    });

    test.each([Bus.method.subscribe, Bus.method.publishStream])(
      '$name with bytes that are no protobuf',
      async (method) => {
        for (const bytes of NO_PROTOBUF) {
          const end = await witness.sees(() => raw.stream(method, [bytes, bytes]));
          expect(end).toEqual(refusal('INVALID_ARGUMENT', 'MALFORMED'));
        }
      },
    );

    test('PublishStream without messages', async () => {
      const end = await witness.sees(() => raw.stream(Bus.method.publishStream, [streamedPublishOf([])]));
      expect(end).toEqual(refusal('INVALID_ARGUMENT', 'BATCH_INVALID', 'messages', '1 to 1000 entries'));
    });
  });

  test('accepts a body of exactly the limit, and refuses requests far past it without reading them', async () => {
    const id = randomUUID();
    const body = Buffer.alloc(MAX_MESSAGE_BYTES);
    const largest = bytesOf(MessageSchema, { topic: TOPIC, id, body });
    const accepted = await witness.sees(() => raw.unary(Bus.method.publish, publishOf([largest])), [id]);
    expect(answered(PublishResponseSchema, accepted).results).toMatchObject([{ outcome: PublishOutcome.ACCEPTED }]);

    const huge = publishOf([bytesOf(MessageSchema, { topic: TOPIC, body: Buffer.alloc(4 * GRPC_SLACK_BYTES) })]);
    const refused = await witness.sees(() => raw.unary(Bus.method.publish, huge));
    expect(refused).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    const ended = await witness.sees(() => raw.stream(Bus.method.publishStream, [huge]));
    expect(ended).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
  });

  test('answers receipts that are not its own with UNKNOWN, and none of them settles a message', async () => {
    const strange = ['', 'r', '/', 'l', 'l1-1-1', '-'.repeat(9), '\0', '😀', 'x'.repeat(1 << 20), 'l0-0-0-/'];
    for (const method of SETTLES) {
      const request = bytesOf(method.input, { receipts: strange });
      const answer = await witness.sees(() => raw.unary(method, request));
      const { results } = answered(AckResponseSchema, answer);
      expect(results).toEqual(strange.map((receipt) => expect.objectContaining({ receipt })));
      expect(new Set(results.map(({ status }) => status))).toEqual(new Set([SettleStatus.UNKNOWN]));
    }
  });

  test('a receipt whose numbers were changed settles nothing, and disturbs nobody', async () => {
    const topic = `forged-${randomUUID()}`;
    const { client } = witness;
    await client.makeChannel(topic, 'billing');
    const id = randomUUID();
    await witness.sees(() => client.publishOne({ topic, id }), [id]);
    const pull = bytesOf(Bus.method.pull.input, { topic, channel: 'billing' });
    const pulled = answered(PullResponseSchema, await raw.unary(Bus.method.pull, pull));
    const receipt = pulled.deliveries[0]?.receipt ?? '';
    const [channel = '', , nonce = ''] = receipt.split('-');
    const streamed = channel.replace('l', 's');
    const forged = [
      `${channel}-1-zzzzzzzzzzz-/${id}`,
      `${channel}-1-2gosa7pa2gv-/${id}`,
      `${channel}-0-${nonce}-/no-such-message`,
      `lzzzzzzz-1-${nonce}-/${id}`,
      `${channel}-1-${nonce}-another.topic/${id}`,
      `${streamed}-1-0-/${id}`,
    ];
    // The attempt of a hand-out that nobody knows of is the receipt's word alone; past every column, it may still harm nobody.
    await raw.unary(
      Bus.method.ack,
      bytesOf(Bus.method.ack.input, { receipts: [`${streamed}-zzzzzz-0-/no-such-message`] }),
    );
    for (const method of SETTLES) {
      const answer = await witness.sees(() => raw.unary(method, bytesOf(method.input, { receipts: forged })));
      const { results } = answered(AckResponseSchema, answer);
      expect(results.map(({ status }) => status)).not.toContain(SettleStatus.OK);
    }
    expect(await client.ack([receipt])).toEqual(['ok']);
  });

  test('has logged no fault of its own', () => {
    expect(faultsOf(witness.gateway)).toEqual([]);
  });
});

function publishOf(messages: readonly Uint8Array[]): Uint8Array {
  const request = new BinaryWriter();
  for (const message of messages) request.uint32(10).bytes(message);
  return request.finish();
}

function streamedPublishOf(messages: readonly Uint8Array[]): Uint8Array {
  const request = new BinaryWriter().uint32(8).int64(7);
  for (const message of messages) request.uint32(18).bytes(message);
  return request.finish();
}

function good(id: string): Uint8Array {
  return bytesOf(MessageSchema, { topic: TOPIC, id });
}
