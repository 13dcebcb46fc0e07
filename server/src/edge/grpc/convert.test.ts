import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { NackRequestSchema, OpenFrameSchema, PublishOutcome, SettleStatus } from '@waybill/proto/waybill/v1/bus';
import { describe, expect, test } from 'vitest';
import { BusError } from '../../model/errors.js';
import { MAX_DELAY_MS } from '../../model/message.js';
import type { RetryPolicy } from '../../model/retry-policy.js';
import { silentLogger } from '../../ports/logger.js';
import {
  checkCount,
  checkCredit,
  fromPublishResult,
  fromSettleStatus,
  toConsumerRequest,
  toLeaseMs,
  toNack,
} from './convert.js';

const DEFAULTS: RetryPolicy = { maxRetries: 5, backoff: { kind: 'fixed', delayMs: 700 } };
const TEN_YEARS = BigInt(MAX_DELAY_MS);

function open(init: MessageInitShape<typeof OpenFrameSchema>, peer = '10.0.0.1:5000') {
  const frame = create(OpenFrameSchema, { topic: 'orders', channel: 'billing', ...init });
  return toConsumerRequest(frame, 'open.', (given) => given || peer, DEFAULTS);
}

function faultOf(work: () => unknown): BusError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof BusError) return error;
    throw error;
  }
}

describe('what a consumer asks for', () => {
  test('leaves to the defaults what it does not say', () => {
    expect(open({})).toEqual({
      topic: 'orders',
      channel: 'billing',
      leaseMs: undefined,
      retry: undefined,
      consumer: '10.0.0.1:5000',
    });
  });

  test('is known by the name it gives itself, or the first 64 characters of its address', () => {
    expect(open({ consumer: 'me' }).consumer).toBe('me');
    expect(open({}, 'p'.repeat(100)).consumer).toBe('p'.repeat(64));
    expect(open({ consumer: '😀'.repeat(64) }).consumer).toBe('😀'.repeat(64));
  });

  test.each([
    [{ topic: 'a b' }, 'TOPIC_INVALID', 'open.topic'],
    [{ topic: 'a*' }, 'TOPIC_INVALID', 'open.topic'],
    [{ channel: '' }, 'CHANNEL_INVALID', 'open.channel'],
    [{ channel: 'c'.repeat(65) }, 'CHANNEL_INVALID', 'open.channel'],
    [{ consumer: 'c'.repeat(65) }, 'CONSUMER_INVALID', 'open.consumer'],
    [{ leaseSeconds: -1 }, 'LEASE_INVALID', 'open.lease_seconds'],
    [{ leaseSeconds: 86_401 }, 'LEASE_INVALID', 'open.lease_seconds'],
  ] as const)('is refused for %j', (init, reason, field) => {
    expect(faultOf(() => open(init))).toMatchObject({ reason, field });
  });

  test.each([
    [0, undefined],
    [1, 1_000],
    [86_400, 86_400_000],
  ])('of a lease of %i seconds: %s ms', (seconds, ms) => {
    expect(toLeaseMs(seconds, 'lease_seconds')).toBe(ms);
  });
});

describe('a retry policy of a consumer', () => {
  const fixed = (delayMs: bigint) => ({ backoff: { case: 'fixed' as const, value: { delayMs } } });
  const grows = (initialMs: bigint, multiplier = 0, maxMs = 0n, jitter = 0) => {
    return { backoff: { case: 'exponential' as const, value: { initialMs, multiplier, maxMs, jitter } } };
  };

  test.each([
    [{}, DEFAULTS],
    [{ maxRetries: 0 }, { ...DEFAULTS, maxRetries: 0 }],
    [{ maxRetries: 1_000 }, { ...DEFAULTS, maxRetries: 1_000 }],
    [fixed(0n), { maxRetries: 5, backoff: { kind: 'fixed', delayMs: 0 } }],
    [fixed(TEN_YEARS), { maxRetries: 5, backoff: { kind: 'fixed', delayMs: MAX_DELAY_MS } }],
    [
      grows(100n),
      { maxRetries: 5, backoff: { kind: 'exponential', initialMs: 100, multiplier: 2, maxMs: 3_600_000, jitter: 0 } },
    ],
    [
      grows(7_200_000n),
      {
        maxRetries: 5,
        backoff: { kind: 'exponential', initialMs: 7_200_000, multiplier: 2, maxMs: 7_200_000, jitter: 0 },
      },
    ],
    [
      grows(1n, 100, 5n, 1),
      { maxRetries: 5, backoff: { kind: 'exponential', initialMs: 1, multiplier: 100, maxMs: 5, jitter: 1 } },
    ],
  ])('is filled up with the defaults: %o', (retry, expected) => {
    expect(open({ retry }).retry).toEqual(expected);
  });

  test.each([
    [{ maxRetries: -1 }, 'max_retries'],
    [{ maxRetries: 1_001 }, 'max_retries'],
    [fixed(-1n), 'fixed.delay_ms'],
    [fixed(TEN_YEARS + 1n), 'fixed.delay_ms'],
    [grows(0n), 'exponential.initial_ms'],
    [grows(-5n), 'exponential.initial_ms'],
    [grows(TEN_YEARS + 1n), 'exponential.initial_ms'],
    [grows(1n, 0.5), 'exponential.multiplier'],
    [grows(1n, 101), 'exponential.multiplier'],
    [grows(1n, Number.NaN), 'exponential.multiplier'],
    [grows(10n, 2, 9n), 'exponential.max_ms'],
    [grows(10n, 2, TEN_YEARS + 1n), 'exponential.max_ms'],
    [grows(10n, 2, 10n, -0.1), 'exponential.jitter'],
    [grows(10n, 2, 10n, 1.1), 'exponential.jitter'],
    [grows(10n, 2, 10n, Number.NaN), 'exponential.jitter'],
  ])('is refused: %o', (retry, field) => {
    expect(faultOf(() => open({ retry }))).toMatchObject({
      reason: 'RETRY_POLICY_INVALID',
      field: `open.retry.${field}`,
    });
  });
});

describe('numbers', () => {
  test.each([0, 1_000])('of credit may be %i', (credit) => {
    expect(checkCredit(credit, 'credit', 1_000)).toBe(credit);
  });

  test.each([-1, 1_001])('of credit may not be %i', (credit) => {
    expect(faultOf(() => checkCredit(credit, 'credit', 1_000))).toMatchObject({
      reason: 'CREDIT_INVALID',
      field: 'credit',
      limit: '0 to 1000 messages (config MaxCredit)',
    });
  });

  test.each([
    [0, 'BATCH_INVALID'],
    [1, undefined],
    [10, undefined],
    [11, 'BATCH_INVALID'],
  ])('of entries of 1 to 10: %i', (count, reason) => {
    expect(faultOf(() => checkCount(count, 'receipts', 10))?.reason).toBe(reason);
  });
});

describe('a nack', () => {
  test('has the delay of the policy when it states none', () => {
    expect(toNack(create(NackRequestSchema, { reason: 'busy' }), '')).toEqual({
      kind: 'nack',
      delayMs: undefined,
      reason: 'busy',
      unhandled: false,
    });
    expect(toNack(create(NackRequestSchema, { delayMs: 0n }), '')).toMatchObject({ delayMs: 0 });
    expect(toNack(create(NackRequestSchema, { unhandled: true }), '')).toMatchObject({ unhandled: true });
  });

  test.each([
    [{ delayMs: -1n }, 'DELAY_INVALID', 'nack.delay_ms'],
    [{ delayMs: TEN_YEARS + 1n }, 'DELAY_INVALID', 'nack.delay_ms'],
    [{ reason: 'r'.repeat(1_025) }, 'REASON_INVALID', 'nack.reason'],
  ] as const)('is refused for %o', (init, reason, field) => {
    expect(faultOf(() => toNack(create(NackRequestSchema, init), 'nack.'))).toMatchObject({ reason, field });
  });
});

describe('results', () => {
  test.each([
    ['accepted', PublishOutcome.ACCEPTED],
    ['scheduled', PublishOutcome.SCHEDULED],
    ['parked', PublishOutcome.PARKED],
    ['duplicate', PublishOutcome.DUPLICATE],
  ] as const)('of a publish: %s', (outcome, expected) => {
    expect(fromPublishResult({ id: 'a', outcome, error: undefined }, silentLogger)).toMatchObject({
      id: 'a',
      outcome: expected,
    });
  });

  test('of a publish that failed say why', () => {
    const error = new BusError('TOPIC_INVALID', 'topic is empty', { field: 'messages[0].topic' });
    const result = fromPublishResult({ id: 'a', outcome: undefined, error }, silentLogger);
    expect(result.outcome).toBe(PublishOutcome.UNSPECIFIED);
    expect(result.error).toMatchObject({
      code: 3,
      reason: 'TOPIC_INVALID',
      message: 'topic is empty',
      field: 'messages[0].topic',
    });
  });

  test('of a publish never tell a fault of ours', () => {
    const error = BusError.from(new Error('secret'));
    const result = fromPublishResult({ id: 'a', outcome: undefined, error }, silentLogger);
    expect(result.error?.reason).toBe('INTERNAL');
    expect(result.error?.message).not.toContain('secret');
  });

  test.each([
    ['ok', SettleStatus.OK],
    ['stale', SettleStatus.STALE],
    ['unknown', SettleStatus.UNKNOWN],
  ] as const)('of a settle: %s', (status, expected) => {
    expect(fromSettleStatus('r', status)).toMatchObject({ receipt: 'r', status: expected });
  });
});
