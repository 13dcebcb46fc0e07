import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { PullResponseSchema, SettleStatus, SubscribeResponseSchema } from '@waybill/proto/waybill/v1/bus';
import { describe, expect, test } from 'vitest';
import { incoming } from '../../fixture/incoming.js';
import { seal } from '../../model/message-codec.js';
import { DeliveryBatch, outgoingSize, writePullResponse, writeSubscribeResponse } from './deliveries-codec.js';

const NOW = 1_800_000_000_000;

function outgoing(size: number, attempt: number, receipt: string) {
  const message = incoming({ topic: 'orders', body: new Uint8Array(size), headers: { h: 'v' }, ttlMs: 5n });
  return { receipt, wire: seal(message, 'a', NOW).wire, attempt, deadline: NOW + attempt };
}

const BATCHES = [
  [],
  [outgoing(0, 1, 's1-1-1-/a')],
  [outgoing(100, 127, 'r'.repeat(127)), outgoing(127, 128, 'r'.repeat(128)), outgoing(20_000, 1_001, 'r'.repeat(256))],
  Array.from({ length: 200 }, (_, i) => outgoing(i, i + 1, `r${i}`)),
];

describe('a batch of deliveries', () => {
  test.each(BATCHES.map((batch) => [batch.length, batch] as const))(
    'of %i is written as generated code reads it',
    (_, batch) => {
      const expected = batch.map(({ receipt, attempt, deadline }) => ({
        receipt,
        attempt,
        leaseDeadlineMs: BigInt(deadline),
      }));
      const pulled = fromBinary(PullResponseSchema, writePullResponse(new DeliveryBatch(batch)));
      const { frame } = fromBinary(SubscribeResponseSchema, writeSubscribeResponse(new DeliveryBatch(batch)));
      expect(frame.case).toBe('deliveries');
      if (frame.case !== 'deliveries') return;
      for (const { deliveries } of [pulled, frame.value]) {
        expect(deliveries).toMatchObject(expected);
        expect(deliveries.map(({ message }) => message?.body.length)).toEqual(
          pulled.deliveries.map(({ message }) => message?.body.length),
        );
        expect(deliveries.every(({ message }) => message?.id === 'a' && message.headers.h === 'v')).toBe(true);
      }
    },
  );

  test.each(BATCHES.map((batch) => [batch.length, batch] as const))(
    'of %i is byte for byte what generated code writes',
    (_, batch) => {
      const bytes = writeSubscribeResponse(new DeliveryBatch(batch));
      expect(toBinary(SubscribeResponseSchema, fromBinary(SubscribeResponseSchema, bytes)).length).toBe(
        // The library writes each message's fields anew: only what a publisher wrote twice would go.
        bytes.length,
      );
    },
  );

  test('is never larger than its parts are said to be', () => {
    for (const batch of BATCHES) {
      const said = batch.reduce((sum, one) => sum + outgoingSize(one), 0);
      expect(writePullResponse(new DeliveryBatch(batch)).length).toBeLessThanOrEqual(said);
    }
  });
});

test('other responses are written by the generated code', () => {
  const failures = [{ receipt: 'r', status: SettleStatus.STALE }];
  const response = create(SubscribeResponseSchema, { frame: { case: 'settled', value: { sequence: 7n, failures } } });
  expect(fromBinary(SubscribeResponseSchema, writeSubscribeResponse(response))).toEqual(response);
  const none = create(PullResponseSchema);
  expect(fromBinary(PullResponseSchema, writePullResponse(none))).toEqual(none);
});
