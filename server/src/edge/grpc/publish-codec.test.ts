import { create, toBinary } from '@bufbuild/protobuf';
import { PublishRequestSchema, PublishStreamRequestSchema } from '@waybill/proto/waybill/v1/bus';
import { describe, expect, test } from 'vitest';
import { Random } from '../../fixture/random.js';
import { readPublishRequest, readPublishStreamRequest } from './publish-codec.js';

const MESSAGES = [
  { id: 'a', topic: 'orders', body: new Uint8Array(300), headers: { h: 'v' }, key: 'k', delayMs: 5n },
  { topic: 'invoices', ttlMs: 7n },
  { topic: 'empty' },
];

describe('a publish request', () => {
  test('is read as the generated code writes it', () => {
    const bytes = toBinary(PublishRequestSchema, create(PublishRequestSchema, { messages: MESSAGES }));
    const { messages, fault } = readPublishRequest(Buffer.from(bytes));
    expect(fault).toBeUndefined();
    expect(messages.map(({ id, topic, bodyLength }) => [id, topic, bodyLength])).toEqual([
      ['a', 'orders', 300],
      ['', 'invoices', 0],
      ['', 'empty', 0],
    ]);
    expect(messages[0]).toMatchObject({ key: 'k', headers: 1, delayMs: 5 });
    expect(messages[1]?.ttlMs).toBe(7);
  });

  test('of a stream has its sequence too', () => {
    const request = create(PublishStreamRequestSchema, { sequence: 2n ** 40n, messages: MESSAGES });
    const { sequence, messages } = readPublishStreamRequest(Buffer.from(toBinary(PublishStreamRequestSchema, request)));
    expect(BigInt(sequence)).toBe(2n ** 40n);
    expect(messages.map(({ topic }) => topic)).toEqual(['orders', 'invoices', 'empty']);
  });

  test('that is empty has no messages', () => {
    expect(readPublishRequest(Buffer.alloc(0))).toMatchObject({ messages: [], fault: undefined });
  });

  test('never throws: what cannot be read is a fault', () => {
    const random = new Random(9);
    const whole = Buffer.from(toBinary(PublishRequestSchema, create(PublishRequestSchema, { messages: MESSAGES })));
    let faults = 0;
    for (let i = 0; i < 10_000; i++) {
      const bytes = Buffer.from(whole.subarray(0, 1 + random.below(whole.length)));
      bytes[random.below(bytes.length)] = random.below(256);
      for (const read of [readPublishRequest, readPublishStreamRequest]) {
        const { fault, messages } = read(bytes);
        if (fault === undefined) continue;
        faults++;
        expect(fault.reason).toBe('MALFORMED');
        expect(messages).toEqual([]);
      }
    }
    expect(faults).toBeGreaterThan(1_000);
  });
});
