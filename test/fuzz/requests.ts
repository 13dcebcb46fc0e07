import type { DescMethodUnary } from '@bufbuild/protobuf';
import { Bus, PublishStreamRequestSchema, SubscribeRequestSchema } from '@waybill/proto/waybill/v1/bus';
import { bytesOf } from '../bad-input/raw-client.js';

/** Good requests with every field set, for mutations to start from. */

const retry = {
  maxRetries: 3,
  backoff: { case: 'exponential', value: { initialMs: 10n, multiplier: 2, maxMs: 1_000n, jitter: 0.5 } },
} as const;
const consumer = { topic: 'fuzz.a', channel: 'fuzz', leaseSeconds: 60, consumer: 'fuzzer', retry };
const receipts = ['l1-1-k3j2h-/0190b5b0-7c5a-7000-8000-000000000001', 's1-2-9zzz-fuzz.b/own-id'];
const messages = [
  {
    id: 'own-id',
    topic: 'fuzz.a',
    body: Buffer.from('hello'),
    headers: { source: 'shop', trace: 'ä€😀' },
    key: 'order-1',
    ttlMs: 60_000n,
  },
  { topic: 'fuzz.b', body: Buffer.alloc(300, 7), delayMs: 5n },
];

export const REQUESTS: readonly (readonly [DescMethodUnary, Uint8Array])[] = [
  [Bus.method.publish, bytesOf(Bus.method.publish.input, { messages })],
  [Bus.method.pull, bytesOf(Bus.method.pull.input, { ...consumer, maxMessages: 10, waitMs: 1n })],
  [Bus.method.ack, bytesOf(Bus.method.ack.input, { receipts })],
  [Bus.method.nack, bytesOf(Bus.method.nack.input, { receipts, delayMs: 1_000n, reason: 'why' })],
  [Bus.method.extend, bytesOf(Bus.method.extend.input, { receipts, leaseSeconds: 10 })],
  [Bus.method.reject, bytesOf(Bus.method.reject.input, { receipts, reason: 'why' })],
  [Bus.method.cancel, bytesOf(Bus.method.cancel.input, { topic: 'fuzz.b', id: 'own-id' })],
  [
    Bus.method.reschedule,
    bytesOf(Bus.method.reschedule.input, { topic: 'fuzz.b', id: 'own-id', when: { case: 'delayMs', value: 9n } }),
  ],
];

export const PUBLISH_FRAMES = [1n, 2n].map((sequence) => bytesOf(PublishStreamRequestSchema, { sequence, messages }));

export const SUBSCRIBE_FRAMES = [
  bytesOf(SubscribeRequestSchema, { sequence: 1n, frame: { case: 'open', value: { ...consumer, credit: 10 } } }),
  bytesOf(SubscribeRequestSchema, { sequence: 2n, frame: { case: 'credit', value: { credit: 20 } } }),
  bytesOf(SubscribeRequestSchema, { sequence: 3n, frame: { case: 'ack', value: { receipts } } }),
  bytesOf(SubscribeRequestSchema, { sequence: 4n, frame: { case: 'nack', value: { receipts, delayMs: 5n } } }),
  bytesOf(SubscribeRequestSchema, { sequence: 5n, frame: { case: 'extend', value: { receipts, leaseSeconds: 9 } } }),
  bytesOf(SubscribeRequestSchema, { sequence: 6n, frame: { case: 'reject', value: { receipts } } }),
];
