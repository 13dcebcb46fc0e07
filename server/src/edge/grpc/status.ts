import { randomUUID } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { BusError, type Reason } from '../../model/errors.js';
import type { Logger } from '../../ports/logger.js';

/** The one place where reasons become gRPC status codes. */
const CODES: Record<Reason, status> = {
  // The original event-bus gives UNKNOWN for whatever it refuses.
  ALREADY_ACKED: status.UNKNOWN,
  ALREADY_DELIVERED: status.FAILED_PRECONDITION,
  ALREADY_OPEN: status.FAILED_PRECONDITION,
  BATCH_INVALID: status.INVALID_ARGUMENT,
  BODY_TOO_LARGE: status.RESOURCE_EXHAUSTED,
  BROKER_UNAVAILABLE: status.UNAVAILABLE,
  CHANNEL_IN_USE: status.FAILED_PRECONDITION,
  CHANNEL_INVALID: status.INVALID_ARGUMENT,
  CHANNEL_NOT_EMPTY: status.FAILED_PRECONDITION,
  CHANNEL_NOT_FOUND: status.NOT_FOUND,
  CONSUMER_INVALID: status.INVALID_ARGUMENT,
  // The next call tells whether its client may come again.
  CREDENTIAL_ENDED: status.UNAVAILABLE,
  CREDIT_INVALID: status.INVALID_ARGUMENT,
  CRON_EXISTS: status.ALREADY_EXISTS,
  CRON_INVALID: status.INVALID_ARGUMENT,
  CRON_NOT_FOUND: status.NOT_FOUND,
  DEADLINE_EXCEEDED: status.DEADLINE_EXCEEDED,
  DEAD_CHANGED: status.ABORTED,
  DEAD_NOT_FOUND: status.NOT_FOUND,
  DELAY_INVALID: status.INVALID_ARGUMENT,
  DRAINING: status.UNAVAILABLE,
  HEADER_INVALID: status.INVALID_ARGUMENT,
  ID_INVALID: status.INVALID_ARGUMENT,
  INTERNAL: status.INTERNAL,
  KEYS_UNAVAILABLE: status.UNAVAILABLE,
  KEY_INVALID: status.INVALID_ARGUMENT,
  LEASE_INVALID: status.INVALID_ARGUMENT,
  LEDGER_UNAVAILABLE: status.UNAVAILABLE,
  LOCKS_UNAVAILABLE: status.UNAVAILABLE,
  LOCK_INVALID: status.INVALID_ARGUMENT,
  LOCK_LOST: status.FAILED_PRECONDITION,
  LOCK_NOT_FOUND: status.NOT_FOUND,
  LOCK_TOKEN_INVALID: status.INVALID_ARGUMENT,
  MALFORMED: status.INVALID_ARGUMENT,
  MESSAGE_AMBIGUOUS: status.FAILED_PRECONDITION,
  MESSAGE_NOT_FOUND: status.NOT_FOUND,
  NOT_OPEN: status.FAILED_PRECONDITION,
  OVERLOADED: status.RESOURCE_EXHAUSTED,
  PAGE_INVALID: status.INVALID_ARGUMENT,
  PERMISSION_DENIED: status.PERMISSION_DENIED,
  QUERY_INVALID: status.INVALID_ARGUMENT,
  QUEUE_CONFLICT: status.FAILED_PRECONDITION,
  QUEUE_OR_DATA_EMPTY: status.UNKNOWN,
  RATE_LIMITED: status.RESOURCE_EXHAUSTED,
  REASON_INVALID: status.INVALID_ARGUMENT,
  RETRY_POLICY_INVALID: status.INVALID_ARGUMENT,
  SCHEDULED_NOT_FOUND: status.NOT_FOUND,
  TOPIC_HAS_CRON: status.FAILED_PRECONDITION,
  TOPIC_INVALID: status.INVALID_ARGUMENT,
  TOPIC_NOT_FOUND: status.NOT_FOUND,
  TTL_INVALID: status.INVALID_ARGUMENT,
  UNAUTHENTICATED: status.UNAUTHENTICATED,
  WAIT_INVALID: status.INVALID_ARGUMENT,
};

/** Published with every error, so that clients can tell our reasons from others'. */
export const ERROR_DOMAIN = 'waybill';

/** What a client learns of a fault that is not its own: nothing but an id that stands in the log. */
const FAULT = 'internal error';

export function codeOf(reason: Reason): status {
  return CODES[reason];
}

/** Any error as a gRPC status with `google.rpc.ErrorInfo`. */
export function toServiceError(error: unknown, logger: Logger): ServiceError {
  const { busError, logId } = disclose(error, logger);
  const code = codeOf(busError.reason);
  const details = logId === undefined ? busError.message : `${FAULT} ${logId}`;
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from(errorInfo(code, details, busError, logId)));
  return Object.assign(new Error(details), { code, details, metadata });
}

/** Ends a stream with an error before anything of it was read. */
export function refuseStream(call: EventEmitter, error: unknown, logger: Logger): void {
  // Without a listener, the error would end the process.
  call.on('error', () => {});
  // grpc-js sends the status of an emitted error; destroy() would drop it.
  call.emit('error', toServiceError(error, logger));
}

/** What of an error may be told: a fault of ours is logged, and only its id goes out. */
export function disclose(
  error: unknown,
  logger: Logger,
): { readonly busError: BusError; readonly logId: string | undefined } {
  const busError = BusError.from(error);
  if (busError.reason !== 'INTERNAL') return { busError, logId: undefined };
  const logId = randomUUID();
  logger.error({ error: busError.cause ?? busError, logId }, 'a call failed by a fault of the gateway');
  return { busError: new BusError('INTERNAL', `${FAULT} ${logId}`), logId };
}

/** A `google.rpc.Status` with `google.rpc.ErrorInfo`, and `google.rpc.RetryInfo` where a time is known; fields by the published protos. */
function errorInfo(code: status, message: string, error: BusError, logId: string | undefined): Uint8Array {
  const info = new BinaryWriter().uint32(10).string(error.reason).uint32(18).string(ERROR_DOMAIN);
  const facts = { field: error.field, limit: error.limit, log_id: logId };
  for (const [key, value] of Object.entries(facts)) {
    if (value !== undefined) info.uint32(26).fork().uint32(10).string(key).uint32(18).string(value).join();
  }
  const status = new BinaryWriter().uint32(8).int32(code).uint32(18).string(message);
  addDetail(status, 'ErrorInfo', info);
  if (error.retryAfterMs !== undefined) addDetail(status, 'RetryInfo', retryInfo(error.retryAfterMs));
  return status.finish();
}

function retryInfo(ms: number): BinaryWriter {
  const seconds = Math.trunc(ms / 1000);
  const nanos = Math.round(ms % 1000) * 1_000_000;
  return new BinaryWriter().uint32(10).fork().uint32(8).int64(seconds).uint32(16).int32(nanos).join();
}

function addDetail(status: BinaryWriter, name: string, detail: BinaryWriter): void {
  const type = `type.googleapis.com/google.rpc.${name}`;
  status.uint32(26).fork().uint32(10).string(type).uint32(18).bytes(detail.finish()).join();
}
