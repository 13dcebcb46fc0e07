import { type Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { errorOf, type StatusName, WaybillError } from '../errors.js';
import { readErrorInfo } from './error-info.js';

/** The typed error for a gRPC status that is not OK. */
export function errorFromStatus(from: Pick<StatusObject, 'code' | 'details' | 'metadata'>): WaybillError {
  const info = infoOf(from.metadata);
  return errorOf(from.details, {
    code: statusName(from.code),
    reason: info?.reason,
    field: info?.metadata.get('field'),
    limit: info?.metadata.get('limit'),
    logId: info?.metadata.get('log_id'),
  });
}

/** Why a stream ended; one that the gateway ended without an error is UNAVAILABLE there. */
export function streamError(from: Pick<StatusObject, 'code' | 'details' | 'metadata'>): WaybillError {
  if (from.code !== status.OK) return errorFromStatus(from);
  return errorOf('the gateway ended the stream', { code: 'UNAVAILABLE' });
}

/** A number that gRPC does not know is UNKNOWN. */
export function statusName(code: number): StatusName {
  const name: string | undefined = status[code];
  return isStatusName(name) ? name : 'UNKNOWN';
}

/** Any thrown thing as one of this package's errors. */
export function toWaybillError(thrown: unknown): WaybillError {
  if (thrown instanceof WaybillError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return errorOf(message, { code: 'UNKNOWN', cause: thrown });
}

function infoOf(metadata: Metadata | undefined) {
  const bytes = metadata?.get('grpc-status-details-bin')[0];
  if (bytes === undefined || typeof bytes === 'string') return undefined;
  const info = readErrorInfo(bytes);
  return info?.domain === 'waybill' ? info : undefined;
}

function isStatusName(name: string | undefined): name is StatusName {
  return name !== undefined && Object.hasOwn(status, name);
}
