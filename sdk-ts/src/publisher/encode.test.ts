import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { PublishStreamRequestSchema } from '@waybill/proto/waybill/v1/bus';
import { describe, expect, it } from 'vitest';
import { encodeRequest } from './encode.js';
import { outgoing } from './outgoing.js';

describe('the hand-written encoder', () => {
  it('writes what the generated code writes', () => {
    const plain = { ...outgoing('orders', Buffer.alloc(300, 1)), id: 'id-1' };
    const rich = outgoing('grün', 'Straße', {
      id: 'x'.repeat(128),
      key: 'Schlüssel',
      headers: { a: 'ä'.repeat(100), empty: '' },
      at: new Date(1_800_000_000_000),
      ttl: '7d',
    });
    const empty = { ...outgoing('t', ''), id: 'id-3' };
    const expected = create(PublishStreamRequestSchema, {
      sequence: 123_456_789n,
      messages: [
        { id: 'id-1', topic: 'orders', body: Buffer.alloc(300, 1) },
        {
          id: 'x'.repeat(128),
          topic: 'grün',
          body: Buffer.from('Straße'),
          key: 'Schlüssel',
          headers: { a: 'ä'.repeat(100), empty: '' },
          dueTimeMs: 1_800_000_000_000n,
          ttlMs: 604_800_000n,
        },
        { id: 'id-3', topic: 't' },
      ],
    });
    const bytes = new Uint8Array(encodeRequest(123_456_789, [plain, rich, empty], 0));
    const generated = toBinary(PublishStreamRequestSchema, expected);
    expect(fromBinary(PublishStreamRequestSchema, bytes)).toEqual(fromBinary(PublishStreamRequestSchema, generated));
  });

  it('counts a delay from the call of publish, however long the message waited', () => {
    const message = outgoing('t', '', { delay: '10s' }, 1_000);
    const delays = [1_000, 5_000, 99_000, 0].map((now) => {
      const [decoded] = fromBinary(PublishStreamRequestSchema, encodeRequest(1, [message], now)).messages;
      return Number(decoded?.delayMs);
    });
    expect(delays).toEqual([10_000, 6_000, 0, 10_000]);
  });
});

describe('what is published', () => {
  it('as JSON says so in a header, unless another was given', () => {
    expect(outgoing('t', { a: 1 }).headers).toEqual({ 'content-type': 'application/json' });
    expect(outgoing('t', { a: 1 }, { headers: { 'Content-Type': 'text/x' } }).headers).toEqual({
      'Content-Type': 'text/x',
    });
    expect(outgoing('t', 'text').headers).toBeUndefined();
  });

  it('has one time at most', () => {
    expect(() => outgoing('t', '', { delay: 1, at: new Date() })).toThrow(/at most one/);
    expect(() => outgoing('t', '', { at: new Date('no') })).toThrow(expect.objectContaining({ field: 'at' }));
  });
});
