import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { BusError } from '../../model/errors.js';
import type { Logger } from '../../ports/logger.js';
import { toServiceError } from './status.js';

/** A method of one request and one response, as grpc-js calls it: whatever the handler throws becomes a status. */
export function unary<Request, Response>(
  logger: Logger,
  handle: (call: ServerUnaryCall<Request, Response>) => Promise<Response>,
) {
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
    // grpc-js reports a handler that throws as UNKNOWN: a promise chain catches those of before the first await too.
    Promise.resolve()
      .then(() => {
        if (call.request instanceof BusError) throw call.request;
        return handle(call);
      })
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(toServiceError(error, logger)),
      );
  };
}
