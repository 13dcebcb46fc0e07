/**
 * Why a call failed. The set is closed: each reason has one gRPC status (edge/grpc/status.ts), and is either worth a retry
 * as it is, or final.
 */
export type Reason =
  | 'ALREADY_ACKED'
  | 'ALREADY_DELIVERED'
  | 'ALREADY_OPEN'
  | 'BATCH_INVALID'
  | 'BODY_TOO_LARGE'
  | 'BROKER_UNAVAILABLE'
  | 'CHANNEL_IN_USE'
  | 'CHANNEL_INVALID'
  | 'CHANNEL_NOT_EMPTY'
  | 'CHANNEL_NOT_FOUND'
  | 'CONSUMER_INVALID'
  | 'CREDENTIAL_ENDED'
  | 'CREDIT_INVALID'
  | 'CRON_EXISTS'
  | 'CRON_INVALID'
  | 'CRON_NOT_FOUND'
  | 'DEAD_CHANGED'
  | 'DEAD_NOT_FOUND'
  | 'DEADLINE_EXCEEDED'
  | 'DELAY_INVALID'
  | 'DRAINING'
  | 'HEADER_INVALID'
  | 'ID_INVALID'
  | 'INTERNAL'
  | 'KEYS_UNAVAILABLE'
  | 'KEY_INVALID'
  | 'LEASE_INVALID'
  | 'LEDGER_UNAVAILABLE'
  | 'LOCKS_UNAVAILABLE'
  | 'LOCK_INVALID'
  | 'LOCK_LOST'
  | 'LOCK_NOT_FOUND'
  | 'LOCK_TOKEN_INVALID'
  | 'MALFORMED'
  | 'MESSAGE_AMBIGUOUS'
  | 'MESSAGE_NOT_FOUND'
  | 'NOT_OPEN'
  | 'OVERLOADED'
  | 'PAGE_INVALID'
  | 'PERMISSION_DENIED'
  | 'QUERY_INVALID'
  | 'QUEUE_CONFLICT'
  | 'QUEUE_OR_DATA_EMPTY'
  | 'RATE_LIMITED'
  | 'REASON_INVALID'
  | 'RETRY_POLICY_INVALID'
  | 'SCHEDULED_NOT_FOUND'
  | 'TOPIC_HAS_CRON'
  | 'TOPIC_INVALID'
  | 'TOPIC_NOT_FOUND'
  | 'TTL_INVALID'
  | 'UNAUTHENTICATED'
  | 'WAIT_INVALID';

const RETRYABLE: ReadonlySet<Reason> = new Set<Reason>([
  'BROKER_UNAVAILABLE',
  'CREDENTIAL_ENDED',
  'DEADLINE_EXCEEDED',
  'DRAINING',
  'KEYS_UNAVAILABLE',
  'LEDGER_UNAVAILABLE',
  'LOCKS_UNAVAILABLE',
  'OVERLOADED',
  'RATE_LIMITED',
]);

export interface BusErrorOptions {
  /** The field of the request that is wrong: `messages[3].topic`. */
  readonly field?: string;
  /** What the field may be: `1 to 128 characters`. */
  readonly limit?: string;
  /** The config key of the limit that was reached. */
  readonly key?: string;
  /** When the same call may succeed, in milliseconds from now. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** The one error type of the bus. Whatever else is thrown is a fault of ours, and reaches the client as INTERNAL with a log id. */
export class BusError extends Error {
  override readonly name = 'BusError';
  readonly field: string | undefined;
  readonly limit: string | undefined;
  readonly key: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly reason: Reason,
    message: string,
    options: BusErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.field = options.field;
    this.limit = options.limit;
    this.key = options.key;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** Whether the same call may succeed later. A publish whose outcome is unknown is safe to retry under the same id. */
  get retryable(): boolean {
    return RETRYABLE.has(this.reason);
  }

  static from(error: unknown): BusError {
    if (error instanceof BusError) return error;
    return new BusError('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** What keeps a gateway from starting, in words for whoever starts it: a port, a data file, a schema. */
export class StartError extends Error {
  override readonly name: string = 'StartError';
}
