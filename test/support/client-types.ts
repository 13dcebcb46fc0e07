/** What tests send and receive, without the wire's bigints and enums. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { PublishOutcome, type PublishResult, SettleStatus } from '@waybill/proto/waybill/v1/bus';
import type { Delivery, MessageSchema, RetryPolicySchema } from '@waybill/proto/waybill/v1/message';

export interface Outgoing {
  readonly topic: string;
  readonly id?: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly key?: string;
  readonly delayMs?: number;
  readonly dueTimeMs?: number;
  readonly ttlMs?: number;
}

export type Outcome = 'accepted' | 'scheduled' | 'parked' | 'duplicate' | 'refused';

export interface Published {
  readonly id: string;
  readonly outcome: Outcome;
}

export type Status = 'ok' | 'stale' | 'unknown';

export type RetryPolicy = MessageInitShape<typeof RetryPolicySchema>;

export interface Received {
  readonly id: string;
  readonly topic: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly attempt: number;
  readonly receipt: string;
  readonly leaseDeadlineMs: number;
  /** When it was received, Unix milliseconds. */
  readonly at: number;
}

/** Retries after the same delay. */
export function fixedRetry(maxRetries: number, delayMs = 0): RetryPolicy {
  return { maxRetries, backoff: { case: 'fixed', value: { delayMs: BigInt(delayMs) } } };
}

export function toMessage(message: Outgoing): MessageInitShape<typeof MessageSchema> {
  const { topic, id = '', body = '', headers = {}, key = '', delayMs = 0, dueTimeMs = 0, ttlMs = 0 } = message;
  return {
    topic,
    id,
    key,
    headers: { ...headers },
    body: typeof body === 'string' ? Buffer.from(body) : body,
    delayMs: BigInt(delayMs),
    dueTimeMs: BigInt(dueTimeMs),
    ttlMs: BigInt(ttlMs),
  };
}

const OUTCOMES: Record<PublishOutcome, Outcome> = {
  [PublishOutcome.UNSPECIFIED]: 'refused',
  [PublishOutcome.ACCEPTED]: 'accepted',
  [PublishOutcome.SCHEDULED]: 'scheduled',
  [PublishOutcome.PARKED]: 'parked',
  [PublishOutcome.DUPLICATE]: 'duplicate',
};

export function toPublished({ id, outcome }: PublishResult): Published {
  return { id, outcome: OUTCOMES[outcome] };
}

export function toStatus(status: SettleStatus): Status {
  switch (status) {
    case SettleStatus.OK:
      return 'ok';
    case SettleStatus.STALE:
      return 'stale';
    case SettleStatus.UNKNOWN:
      return 'unknown';
    case SettleStatus.UNSPECIFIED:
      throw new Error('a settle was answered without a status');
  }
}

export function toReceived({ receipt, message, attempt, leaseDeadlineMs }: Delivery, at: number): Received {
  if (message === undefined) throw new Error(`the delivery ${receipt} has no message`);
  const { id, topic, key, headers, body } = message;
  return {
    id,
    topic,
    key,
    headers,
    body: Buffer.from(body),
    attempt,
    receipt,
    leaseDeadlineMs: Number(leaseDeadlineMs),
    at,
  };
}
