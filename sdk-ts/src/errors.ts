import type { status } from '@grpc/grpc-js';

/** The name of a gRPC status: `UNAVAILABLE`, `INVALID_ARGUMENT`, … */
export type StatusName = keyof typeof status;

export interface ErrorDetails {
  readonly code: StatusName;
  readonly reason?: string | undefined;
  readonly field?: string | undefined;
  readonly limit?: string | undefined;
  readonly retryable?: boolean | undefined;
  readonly logId?: string | undefined;
  readonly messageId?: string | undefined;
  readonly cause?: unknown;
}

/** Every failure that this package reports, apart from an `AbortSignal`'s own reason. */
export class WaybillError extends Error {
  override readonly name: string = 'WaybillError';
  /** The gRPC status. */
  readonly code: StatusName;
  /** Stable, in upper snake case: `TOPIC_INVALID`, `BROKER_UNAVAILABLE`, …; empty when the gateway gave none. */
  readonly reason: string;
  /** The field or option that is wrong. */
  readonly field: string | undefined;
  /** What that field may be, in words. */
  readonly limit: string | undefined;
  /** Whether the same call may succeed later. A publish is safe to repeat under the same id. */
  readonly retryable: boolean;
  /** Under which the gateway's log tells more, for a fault of the gateway itself. */
  readonly logId: string | undefined;
  /** The message that was published, for a publish that was sent: publish it again under this id to make sure. */
  readonly messageId: string | undefined;

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.reason = details.reason ?? '';
    this.field = details.field;
    this.limit = details.limit;
    this.retryable = details.retryable ?? retryableByNature(details.code, this.reason);
    this.logId = details.logId;
    this.messageId = details.messageId;
  }
}

/** INVALID_ARGUMENT, or RESOURCE_EXHAUSTED for a message that is too large: `field` and `limit` say what is wrong. The same call never succeeds. */
export class InvalidArgumentError extends WaybillError {
  override readonly name: string = 'InvalidArgumentError';
}

/** UNAVAILABLE: no gateway could be reached, or one that misses its broker or ledger. */
export class UnavailableError extends WaybillError {
  override readonly name: string = 'UnavailableError';
}

/** DEADLINE_EXCEEDED: the outcome is not known; `cause` is the last failure on the way, if there was one. */
export class DeadlineError extends WaybillError {
  override readonly name: string = 'DeadlineError';
}

/** RESOURCE_EXHAUSTED, reason OVERLOADED, RATE_LIMITED or CLIENT_OVERLOADED: the gateway, or this client's own queue (`maxPending`), takes no more for now. */
export class OverloadedError extends WaybillError {
  override readonly name: string = 'OverloadedError';
}

/** NOT_FOUND: nothing of that name waits (cancel, reschedule), or the receipt is not one of this bus. */
export class NotFoundError extends WaybillError {
  override readonly name: string = 'NotFoundError';
}

/** FAILED_PRECONDITION: the state does not allow it, such as a cancel of what is being delivered. */
export class FailedPreconditionError extends WaybillError {
  override readonly name: string = 'FailedPreconditionError';
}

/** The lease ended, or the message was settled otherwise: nothing was changed, and somebody else may have the message. */
export class StaleReceiptError extends FailedPreconditionError {
  override readonly name: string = 'StaleReceiptError';

  constructor(receipt: string) {
    super(`the receipt ${receipt} is stale: its lease ended, or the message was settled otherwise`, {
      code: 'FAILED_PRECONDITION',
      reason: 'RECEIPT_STALE',
    });
  }
}

/** Somebody else has the lock, and had it until the wait was over. */
export class LockHeldError extends FailedPreconditionError {
  override readonly name: string = 'LockHeldError';

  constructor(lock: string) {
    super(`somebody else holds the lock "${lock}"`, {
      code: 'FAILED_PRECONDITION',
      reason: 'LOCK_HELD',
      retryable: true,
    });
  }
}

/** The lock ran out before it could be renewed: somebody else may have it by now. `cause` says why, where that is known. */
export class LockLostError extends FailedPreconditionError {
  override readonly name: string = 'LockLostError';

  constructor(lock: string, cause?: unknown) {
    super(`the lock "${lock}" is lost: it ran out before it was renewed`, {
      code: 'FAILED_PRECONDITION',
      reason: 'LOCK_LOST',
      cause,
    });
  }
}

/** UNAUTHENTICATED or PERMISSION_DENIED: the token is missing, wrong, or not allowed to. */
export class AccessError extends WaybillError {
  override readonly name: string = 'AccessError';
}

/** The bus or the subscription was closed here, so that the call could not be made or finished. */
export class ClosedError extends WaybillError {
  override readonly name: string = 'ClosedError';

  constructor(message: string, messageId?: string) {
    super(message, { code: 'CANCELLED', reason: 'CLOSED', messageId });
  }
}

/** The bus answered in a way that the protocol does not allow, or failed with a fault of its own; `logId` finds it in the gateway's log. */
export class InternalError extends WaybillError {
  override readonly name: string = 'InternalError';
}

/** Of many messages, some were not accepted. */
export class PublishManyError extends WaybillError {
  override readonly name: string = 'PublishManyError';

  constructor(
    /** For each message in order: its result, or why it was not accepted. */
    readonly results: readonly ({ readonly id: string; readonly outcome: string } | Error)[],
    first: Error,
  ) {
    const failed = results.filter((result) => result instanceof Error).length;
    super(`${failed} of ${results.length} messages were not accepted; the first: ${first.message}`, {
      code: first instanceof WaybillError ? first.code : 'CANCELLED',
      reason: first instanceof WaybillError ? first.reason : '',
      retryable: results.every((result) => !(result instanceof Error) || isRetryable(result)),
      cause: first,
    });
  }
}

/** Whether the same call may succeed later. */
export function isRetryable(error: unknown): boolean {
  return error instanceof WaybillError && error.retryable;
}

/** The class that users branch on for a status; `WaybillError` itself for the rest. */
export function errorOf(message: string, details: ErrorDetails): WaybillError {
  switch (details.code) {
    case 'INVALID_ARGUMENT':
    case 'OUT_OF_RANGE':
      return new InvalidArgumentError(message, details);
    case 'UNAVAILABLE':
      return new UnavailableError(message, details);
    case 'DEADLINE_EXCEEDED':
      return new DeadlineError(message, details);
    case 'RESOURCE_EXHAUSTED':
      return retryableByNature(details.code, details.reason ?? '')
        ? new OverloadedError(message, details)
        : new InvalidArgumentError(message, details);
    case 'NOT_FOUND':
      return new NotFoundError(message, details);
    case 'FAILED_PRECONDITION':
      return new FailedPreconditionError(message, details);
    case 'UNAUTHENTICATED':
    case 'PERMISSION_DENIED':
      return new AccessError(message, details);
    case 'INTERNAL':
    case 'UNKNOWN':
    case 'DATA_LOSS':
      return new InternalError(message, details);
    default:
      return new WaybillError(message, details);
  }
}

// RESOURCE_EXHAUSTED also stands for a message that is too large, now and later: it is worth a retry only where a reason says so.
function retryableByNature(code: StatusName, reason: string): boolean {
  switch (code) {
    case 'UNAVAILABLE':
    case 'DEADLINE_EXCEEDED':
    case 'ABORTED':
      return true;
    case 'RESOURCE_EXHAUSTED':
      return reason === 'OVERLOADED' || reason === 'RATE_LIMITED' || reason === 'CLIENT_OVERLOADED';
    default:
      return false;
  }
}

/** An option of this package that is wrong: `limit` says in words what it takes. */
export function invalidOption(field: string, value: unknown, limit: string): InvalidArgumentError {
  return new InvalidArgumentError(`${field} is ${JSON.stringify(value)}: it takes ${limit}`, {
    code: 'INVALID_ARGUMENT',
    reason: 'OPTION_INVALID',
    field,
    limit,
  });
}
