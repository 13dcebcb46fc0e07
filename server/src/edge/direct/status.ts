import { type Metadata, status } from '@grpc/grpc-js';

/** How a call ended. */
export interface CallStatus {
  /** One of gRPC's, which Connect's equal. */
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata | undefined;
}

export const OK: CallStatus = { code: status.OK, details: 'OK', metadata: undefined };
export const CANCELLED: CallStatus = { code: status.CANCELLED, details: 'Cancelled', metadata: undefined };

/** An error of a handler, read as grpc-js reads it. */
export function statusOf(
  error: {
    readonly code?: unknown;
    readonly details?: unknown;
    readonly metadata?: Metadata;
    readonly message?: string;
  },
  trailers?: Metadata,
): CallStatus {
  const metadata = trailers ?? error.metadata;
  const { code, details, message = 'Unknown Error' } = error;
  if (typeof code !== 'number' || !Number.isInteger(code)) return { code: status.UNKNOWN, details: message, metadata };
  return { code, details: typeof details === 'string' ? details : message, metadata };
}
