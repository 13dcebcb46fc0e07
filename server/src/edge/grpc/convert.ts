import { create } from '@bufbuild/protobuf';
import {
  type NackRequest,
  type OpenFrame,
  PublishOutcome,
  type PublishResult,
  PublishResultSchema,
  type PullRequest,
  type SettleResult,
  SettleResultSchema,
  SettleStatus,
} from '@waybill/proto/waybill/v1/bus';
import type { RetryPolicy as WireRetryPolicy } from '@waybill/proto/waybill/v1/message';
import type * as change from '../../bus/change.js';
import type * as publish from '../../bus/publish-request.js';
import type * as settle from '../../bus/settle.js';
import { BusError, type Reason } from '../../model/errors.js';
import { MAX_DELAY_MS } from '../../model/message.js';
import { type Backoff, MAX_RETRIES, type RetryPolicy } from '../../model/retry-policy.js';
import { checkChannel, checkPattern } from '../../model/topic.js';
import type { Logger } from '../../ports/logger.js';
import { codeOf, disclose } from './status.js';

export const MAX_BATCH = 1_000;
export const MAX_RECEIPTS = 10_000;
const MAX_LEASE_SECONDS = 86_400;
const MAX_REASON_LENGTH = 1_024;
const MAX_CONSUMER_LENGTH = 64;
const HOUR_MS = 3_600_000;

/** What a consumer asks for when it opens a stream or pulls, checked. */
export interface ConsumerRequest {
  readonly topic: string;
  readonly channel: string;
  /** Undefined: the config's. */
  readonly leaseMs: number | undefined;
  /** Undefined: the channel keeps its own. */
  readonly retry: RetryPolicy | undefined;
  readonly consumer: string;
}

export function toConsumerRequest(
  request: OpenFrame | PullRequest,
  field: string,
  /** What a consumer is called that gives itself this name, or none. */
  nameOf: (given: string) => string,
  defaults: RetryPolicy,
): ConsumerRequest {
  checkPattern(request.topic, `${field}topic`);
  checkChannel(request.channel, `${field}channel`);
  if ([...request.consumer].length > MAX_CONSUMER_LENGTH) {
    throw limit('CONSUMER_INVALID', `${field}consumer`, `up to ${MAX_CONSUMER_LENGTH} characters`);
  }
  return {
    topic: request.topic,
    channel: request.channel,
    leaseMs: toLeaseMs(request.leaseSeconds, `${field}lease_seconds`),
    retry: request.retry === undefined ? undefined : toRetryPolicy(request.retry, `${field}retry`, defaults),
    consumer: [...nameOf(request.consumer)].slice(0, MAX_CONSUMER_LENGTH).join(''),
  };
}

/** Undefined for 0: whatever is the default there. */
export function toLeaseMs(seconds: number, field: string): number | undefined {
  if (seconds === 0) return undefined;
  checkRange('LEASE_INVALID', field, seconds, 1, MAX_LEASE_SECONDS, 'seconds');
  return seconds * 1000;
}

export function checkCredit(credit: number, field: string, maxCredit: number): number {
  checkRange('CREDIT_INVALID', field, credit, 0, maxCredit, 'messages (config MaxCredit)');
  return credit;
}

export function checkRange(reason: Reason, field: string, value: number, min: number, max: number, unit: string): void {
  if (!(value >= min && value <= max)) throw limit(reason, field, `${min} to ${max} ${unit}`, value);
}

export function checkCount(count: number, field: string, max: number): void {
  if (count < 1 || count > max) throw limit('BATCH_INVALID', field, `1 to ${max} entries`, count);
}

export function checkReason(reason: string, field: string): void {
  if ([...reason].length > MAX_REASON_LENGTH)
    throw limit('REASON_INVALID', field, `up to ${MAX_REASON_LENGTH} characters`);
}

export function toNack(request: NackRequest, field: string): change.Action {
  checkReason(request.reason, `${field}reason`);
  const delayMs = request.delayMs === undefined ? undefined : Number(request.delayMs);
  if (delayMs !== undefined) checkRange('DELAY_INVALID', `${field}delay_ms`, delayMs, 0, MAX_DELAY_MS, 'ms (10 years)');
  return { kind: 'nack', delayMs, reason: request.reason, unhandled: request.unhandled };
}

export function toRetryPolicy(policy: WireRetryPolicy, field: string, defaults: RetryPolicy): RetryPolicy {
  const maxRetries = policy.maxRetries ?? defaults.maxRetries;
  checkRange('RETRY_POLICY_INVALID', `${field}.max_retries`, maxRetries, 0, MAX_RETRIES, 'retries');
  return { maxRetries, backoff: toBackoff(policy.backoff, field, defaults) };
}

function toBackoff(backoff: WireRetryPolicy['backoff'], field: string, defaults: RetryPolicy): Backoff {
  const check = (name: string, value: number, min: number, max: number, unit: string) =>
    checkRange('RETRY_POLICY_INVALID', `${field}.${name}`, value, min, max, unit);
  switch (backoff.case) {
    case undefined:
      return defaults.backoff;
    case 'fixed': {
      const delayMs = Number(backoff.value.delayMs);
      check('fixed.delay_ms', delayMs, 0, MAX_DELAY_MS, 'ms (10 years)');
      return { kind: 'fixed', delayMs };
    }
    case 'exponential': {
      const initialMs = Number(backoff.value.initialMs);
      const multiplier = backoff.value.multiplier === 0 ? 2 : backoff.value.multiplier;
      const maxMs = backoff.value.maxMs === 0n ? Math.max(HOUR_MS, initialMs) : Number(backoff.value.maxMs);
      const { jitter } = backoff.value;
      check('exponential.initial_ms', initialMs, 1, MAX_DELAY_MS, 'ms (10 years)');
      check('exponential.multiplier', multiplier, 1, 100, 'times');
      check('exponential.max_ms', maxMs, initialMs, MAX_DELAY_MS, 'ms, from initial_ms to 10 years');
      check('exponential.jitter', jitter, 0, 1, 'of the delay');
      return { kind: 'exponential', initialMs, multiplier, maxMs, jitter };
    }
  }
}

const OUTCOMES: Record<publish.PublishOutcome, PublishOutcome> = {
  accepted: PublishOutcome.ACCEPTED,
  scheduled: PublishOutcome.SCHEDULED,
  parked: PublishOutcome.PARKED,
  duplicate: PublishOutcome.DUPLICATE,
};

export function fromPublishResult(result: publish.PublishResult, logger: Logger): PublishResult {
  if (result.outcome !== undefined) {
    // A literal: create() takes a microsecond, which at 80,000 results a second is a tenth of a core.
    return { $typeName: PublishResultSchema.typeName, id: result.id, outcome: OUTCOMES[result.outcome] };
  }
  const { busError } = disclose(result.error, logger);
  const { reason, message, field = '', limit = '' } = busError;
  return create(PublishResultSchema, { id: result.id, error: { code: codeOf(reason), reason, message, field, limit } });
}

const STATUSES: Record<settle.SettleStatus, SettleStatus> = {
  ok: SettleStatus.OK,
  stale: SettleStatus.STALE,
  unknown: SettleStatus.UNKNOWN,
};

export function fromSettleStatus(receipt: string, status: settle.SettleStatus): SettleResult {
  return { $typeName: SettleResultSchema.typeName, receipt, status: STATUSES[status] };
}

function limit(reason: Reason, field: string, limit: string, value?: number): BusError {
  const was = value === undefined ? '' : `: it is ${value}`;
  return new BusError(reason, `${field} takes ${limit}${was}`, { field, limit });
}
