import { BinaryReader } from '@bufbuild/protobuf/wire';
import { ConnectError } from '@connectrpc/connect';
import type { CallStatus } from '../direct/status.js';

const TYPE_PREFIX = 'type.googleapis.com/';
const ERROR_INFO = 'google.rpc.ErrorInfo';

/** How a call ended, as Connect tells it: with the same details as gRPC, and for whoever reads JSON in plain words too. */
export function toConnectError({ code, details, metadata }: CallStatus): ConnectError {
  const error = new ConnectError(details, code);
  const bytes = metadata?.get('grpc-status-details-bin')[0];
  if (bytes !== undefined && typeof bytes !== 'string') error.details.push(...detailsIn(bytes));
  return error;
}

/** The details in a `google.rpc.Status`, each a `google.protobuf.Any`. */
function detailsIn(bytes: Uint8Array): ConnectError['details'] {
  return fieldsOf(bytes, 3).map((any) => {
    const type = text(any, 1).replace(TYPE_PREFIX, '');
    const [value = new Uint8Array()] = fieldsOf(any, 2);
    return type === ERROR_INFO ? { type, value, debug: errorInfo(value) } : { type, value };
  });
}

function errorInfo(bytes: Uint8Array) {
  const metadata = Object.fromEntries(fieldsOf(bytes, 3).map((entry) => [text(entry, 1), text(entry, 2)]));
  return { reason: text(bytes, 1), domain: text(bytes, 2), metadata };
}

function text(bytes: Uint8Array, field: number): string {
  return new TextDecoder().decode(fieldsOf(bytes, field)[0]);
}

/** All values of a field that is text, bytes or a message. */
function fieldsOf(bytes: Uint8Array, wanted: number): Uint8Array<ArrayBuffer>[] {
  const reader = new BinaryReader(bytes);
  const found: Uint8Array<ArrayBuffer>[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === wanted) found.push(new Uint8Array(reader.bytes()));
    else reader.skip(wireType, field);
  }
  return found;
}
