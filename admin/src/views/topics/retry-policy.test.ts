import { create } from '@bufbuild/protobuf';
import { RetryPolicySchema } from '@waybill/proto/waybill/v1/message';
import { expect, test } from 'vitest';
import { retryText } from './retry-policy.js';

test('a retry policy in words', () => {
  expect(retryText(undefined)).toBe('As the configuration says');
  expect(retryText(create(RetryPolicySchema, { maxRetries: 1 }))).toBe('1 retry, at the configured distance');
  const fixed = { maxRetries: 4, backoff: { case: 'fixed', value: { delayMs: 90_000n } } } as const;
  expect(retryText(create(RetryPolicySchema, fixed))).toBe('4 retries, 1 min 30 s apart');
  const growing = { backoff: { case: 'exponential', value: { initialMs: 1_000n, maxMs: 60_000n } } } as const;
  expect(retryText(create(RetryPolicySchema, growing))).toBe(
    'Retries as configured, from 1 s, × 2 each, at most 1 min',
  );
});
