import { BinaryReader } from '@bufbuild/protobuf/wire';

/** `google.rpc.ErrorInfo`, as the gateway fills it. */
export interface ErrorInfo {
  readonly reason: string;
  readonly domain: string;
  readonly metadata: ReadonlyMap<string, string>;
}

const TYPE = 'google.rpc.ErrorInfo';

/** Finds the ErrorInfo in the bytes of a `google.rpc.Status` (trailer `grpc-status-details-bin`). Undefined when there is none, or the bytes are no status. */
export function readErrorInfo(bytes: Uint8Array): ErrorInfo | undefined {
  try {
    return inStatus(bytes);
  } catch {
    // What some proxy put there must not hide the error itself.
    return undefined;
  }
}

function inStatus(bytes: Uint8Array): ErrorInfo | undefined {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field !== 3) {
      reader.skip(wireType, field);
      continue;
    }
    const info = inAny(reader.bytes());
    if (info !== undefined) return info;
  }
  return undefined;
}

function inAny(bytes: Uint8Array): ErrorInfo | undefined {
  const reader = new BinaryReader(bytes);
  let type = '';
  let value: Uint8Array = new Uint8Array();
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) type = reader.string();
    else if (field === 2) value = reader.bytes();
    else reader.skip(wireType, field);
  }
  return type.endsWith(`/${TYPE}`) ? errorInfo(value) : undefined;
}

function errorInfo(bytes: Uint8Array): ErrorInfo {
  const reader = new BinaryReader(bytes);
  const metadata = new Map<string, string>();
  let reason = '';
  let domain = '';
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) reason = reader.string();
    else if (field === 2) domain = reader.string();
    else if (field === 3) metadata.set(...entry(reader.bytes()));
    else reader.skip(wireType, field);
  }
  return { reason, domain, metadata };
}

function entry(bytes: Uint8Array): [string, string] {
  const reader = new BinaryReader(bytes);
  let key = '';
  let value = '';
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) key = reader.string();
    else if (field === 2) value = reader.string();
    else reader.skip(wireType, field);
  }
  return [key, value];
}
