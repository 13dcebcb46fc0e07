import type { Error as WireError } from '@waybill/proto/waybill/v1/bus';
import { errorOf, type WaybillError } from '../errors.js';
import { statusName } from '../grpc/status.js';

/** Why one message of a batch was not accepted, told as if it had been sent alone: the place in the batch is this client's doing. */
export function resultError(error: WireError | undefined, messageId: string): WaybillError {
  if (error === undefined) {
    return errorOf('the gateway gave no outcome', { code: 'INTERNAL', messageId });
  }
  const place = /^messages\[\d+\]\.?/.exec(error.field)?.[0] ?? '';
  const field = error.field.slice(place.length);
  const message = place === '' ? error.message : error.message.replaceAll(place, '');
  return errorOf(message, {
    code: statusName(error.code),
    reason: error.reason,
    field: field === '' ? undefined : field,
    limit: error.limit === '' ? undefined : error.limit,
    messageId,
  });
}
