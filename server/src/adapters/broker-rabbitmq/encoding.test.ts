import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { MessageSchema } from '@waybill/proto/waybill/v1/message';
import type { ConsumeMessage, MessageProperties } from 'amqplib';
import { describe, expect, test } from 'vitest';
import { openMessage } from '../../model/message-codec.js';
import { decode, encode } from './encoding.js';

const PROPERTIES: MessageProperties = {
  contentType: undefined,
  contentEncoding: undefined,
  headers: undefined,
  deliveryMode: undefined,
  priority: undefined,
  correlationId: undefined,
  replyTo: undefined,
  expiration: undefined,
  messageId: undefined,
  timestamp: undefined,
  type: undefined,
  userId: undefined,
  appId: undefined,
  clusterId: undefined,
};

interface Arriving {
  readonly redelivered?: boolean;
  readonly exchange?: string;
  readonly routingKey?: string;
}

function arriving(content: Buffer, properties: Partial<MessageProperties>, how: Arriving = {}): ConsumeMessage {
  const { redelivered = false, exchange = 'waybill', routingKey = 'orders.new' } = how;
  return {
    content,
    fields: { consumerTag: 't', deliveryTag: 1, redelivered, exchange, routingKey },
    properties: { ...PROPERTIES, ...properties },
  };
}

function message(init: MessageInitShape<typeof MessageSchema>) {
  const full = { id: 'an-id', topic: 'orders.new', publishTimeMs: 1_763_000_000_123n, ...init };
  return openMessage(Buffer.from(toBinary(MessageSchema, create(MessageSchema, full))));
}

function only(content: Buffer, properties: Partial<MessageProperties>, how: Arriving = {}, topic = 'orders.*') {
  const { messages, verify } = decode(arriving(content, properties, how), topic);
  const [first] = messages;
  if (first === undefined || messages.length !== 1) throw new Error('one message was expected');
  return { message: first, fields: fromBinary(MessageSchema, first.wire), verify };
}

describe('a message alone', () => {
  const full = message({
    body: Buffer.from([0, 1, 2, 255]),
    headers: { 'content-type': 'text/plain', 'x-request-id': 'ü', empty: '', '7': 'seven' },
    key: 'order-ä',
    ttlMs: 315_360_000_000n,
  });

  test('is a plain AMQP message with the body as its content', () => {
    const { content, properties } = encode({ topic: full.topic, messages: [full], verify: false });
    expect(content).toEqual(Buffer.from([0, 1, 2, 255]));
    expect(properties).toMatchObject({
      persistent: true,
      mandatory: true,
      messageId: 'an-id',
      type: 'orders.new',
      timestamp: 1_763_000_000,
      headers: { 'content-type': 'text/plain', 'waybill-key': 'order-ä', 'waybill-ttl': 315_360_000_000 },
    });
  });

  test.each([
    ['with everything', full],
    ['with nothing', message({})],
    ['with a delay that was made zero', message({ delayMs: 0n, body: Buffer.alloc(20_000, 7) })],
  ])('%s comes back as it was', (_, original) => {
    const { content, properties } = encode({ topic: original.topic, messages: [original], verify: false });
    const back = only(content, properties);
    expect(back.message).toMatchObject({ id: 'an-id', topic: 'orders.new', key: original.key });
    expect(back.message.acceptedAt).toBe(original.acceptedAt);
    expect(back.message.expiresAt).toBe(original.expiresAt);
    expect(back.fields).toEqual(fromBinary(MessageSchema, original.wire));
    expect(back.verify).toBe(false);
  });

  test.each(['CC', 'BCC', 'waybill-key', 'x-delivery-count', '__proto__'])(
    'with the header %s, which means something else in AMQP, travels as a frame and comes back as it was',
    (name) => {
      const original = message({ headers: Object.fromEntries([[name, 'mine']]) });
      const { content, properties } = encode({ topic: original.topic, messages: [original], verify: false });
      expect(properties.headers).toEqual({});
      expect(only(content, properties).message.wire).toEqual(original.wire);
    },
  );
});

test('several messages travel as one frame and come back byte for byte', () => {
  const messages = [message({ id: 'a' }), message({ id: 'b', body: Buffer.from('x') })];
  const { content, properties } = encode({ topic: 'orders.new', messages, verify: false });
  expect(properties.contentType).toBe('application/vnd.waybill.frame');
  const back = decode(arriving(content, properties), 'orders.new');
  expect(back.messages.map(({ wire }) => Buffer.from(wire))).toEqual(messages.map(({ wire }) => wire));
});

test.each([1, 2])('a frame of %i that must be verified says so, and so does a redelivery', (count) => {
  const messages = [message({ id: 'a' }), message({ id: 'b' })].slice(0, count);
  const marked = encode({ topic: 'orders.new', messages, verify: true });
  expect(decode(arriving(marked.content, marked.properties), 'orders.new').verify).toBe(true);
  const { content, properties } = encode({ topic: 'orders.new', messages, verify: false });
  expect(decode(arriving(content, properties), 'orders.new').verify).toBe(false);
  expect(decode(arriving(content, properties, { redelivered: true }), 'orders.new').verify).toBe(true);
});

describe('a message of another program', () => {
  test('keeps its id, time and headers, and texts are made of what is none', () => {
    const headers = {
      text: 'ü',
      number: 1.5,
      yes: true,
      nothing: null,
      list: [1, 'two'],
      table: { a: 1 },
      time: { '!': 'timestamp', value: 5 },
      bytes: Buffer.from('text'),
      binary: Buffer.from([255, 254]),
      'not a name': 'left out',
      'x-delivery-count': 3,
    };
    const properties = { messageId: 'theirs', timestamp: 1_700_000_000, contentType: 'application/json', headers };
    const { fields } = only(Buffer.from('{}'), properties);
    expect(fields).toMatchObject({ id: 'theirs', topic: 'orders.new', publishTimeMs: 1_700_000_000_000n });
    expect(fields.headers).toEqual({
      text: 'ü',
      number: '1.5',
      yes: 'true',
      nothing: 'null',
      list: '[1,"two"]',
      table: '{"a":1}',
      time: '{"!":"timestamp","value":5}',
      bytes: 'text',
      binary: '//4=',
      'content-type': 'application/json',
    });
  });

  test('without an id gets one that a redelivery has again and another message has not', () => {
    const id = (content: string, headers: MessageProperties['headers'], redelivered = false) =>
      only(Buffer.from(content), { headers }, { redelivered }).message.id;
    expect(id('a', { h: 1 })).toMatch(/^amqp-[0-9a-f]{64}$/);
    expect(id('a', { h: 1, 'x-delivery-count': 2 }, true)).toBe(id('a', { h: 1 }));
    expect(id('b', { h: 1 })).not.toBe(id('a', { h: 1 }));
    expect(id('a', { h: 2 })).not.toBe(id('a', { h: 1 }));
  });

  test.each([
    ['its routing key', 'orders.*', { routingKey: 'orders.late' }, 'orders.late'],
    ['the channel’s topic, when it came straight to the queue', 'orders', { exchange: '' }, 'orders'],
    ['a stand-in, when neither is a topic', '#', { routingKey: 'no topic/at all' }, 'amqp.invalid-topic'],
  ])('has for its topic %s', (_, channelTopic, how, topic) => {
    expect(only(Buffer.from('x'), {}, how, channelTopic).message.topic).toBe(topic);
  });

  test.each([
    ['an id that is none', { messageId: 'two words' }],
    ['waybill’s own headers, but wrong ones', { messageId: 'm', headers: { 'waybill-accepted-at': 'yesterday' } }],
    ['more headers than the bus takes', { headers: Object.fromEntries(Array.from({ length: 500 }, (_, n) => [n, n])) }],
    ['headers larger than the bus takes', { headers: { a: 'x'.repeat(40_000), b: 'y' } }],
  ])('with %s is taken all the same', (_, properties) => {
    const { fields } = only(Buffer.from('x'), properties);
    expect(Buffer.from(fields.body).toString()).toBe('x');
    expect(Object.keys(fields.headers).length).toBeLessThanOrEqual(64);
  });
});

test.each([Buffer.alloc(0), Buffer.from('garbage'), Buffer.from([0x0a, 0x05, 1])])(
  'a frame that can not be read becomes one message with its bytes as the body',
  (content) => {
    const { fields } = only(content, { contentType: 'application/vnd.waybill.frame' });
    expect(fields.id).toMatch(/^amqp-/);
    expect(Buffer.from(fields.body)).toEqual(content);
  },
);
