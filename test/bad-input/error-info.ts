import { BinaryReader } from '@bufbuild/protobuf/wire';
import { type ServiceError, status } from '@grpc/grpc-js';
import { expect } from 'vitest';

/** What a client learns of a refusal. */
export interface Refusal {
  /** The name of the gRPC status. */
  readonly code: string;
  readonly message: string;
  /** Of the `google.rpc.ErrorInfo`; empty when there was none. */
  readonly reason: string;
  readonly domain: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Reads a failed call as a stock client does: a `google.rpc.Status` in the trailing metadata. */
export function refusalOf({ code, details, metadata }: ServiceError): Refusal {
  const [bytes] = metadata.get('grpc-status-details-bin');
  const info = typeof bytes === 'object' ? readStatus(bytes) : { reason: '', domain: '', metadata: {} };
  return { code: status[code], message: details, ...info };
}

/** What a refusal must be, no more and no less: without a field or a limit where none is named. */
export function refusal(code: string, reason: string, field = '', limit = ''): Refusal {
  const metadata = { ...(field === '' ? {} : { field }), ...(limit === '' ? {} : { limit }) };
  return { code, reason, domain: 'waybill', metadata, message: expect.stringMatching(/./) };
}

type Fields = ReadonlyMap<number, readonly Uint8Array[]>;

function readStatus(bytes: Uint8Array): Pick<Refusal, 'reason' | 'domain' | 'metadata'> {
  const [any = new Uint8Array()] = fieldsOf(bytes).get(3) ?? [];
  const info = fieldsOf(fieldsOf(any).get(2)?.[0] ?? new Uint8Array());
  const metadata = (info.get(3) ?? []).map(fieldsOf).map((entry) => [textOf(entry, 1), textOf(entry, 2)]);
  return { reason: textOf(info, 1), domain: textOf(info, 2), metadata: Object.fromEntries(metadata) };
}

/** The length-delimited fields of a message, by number. */
function fieldsOf(bytes: Uint8Array): Fields {
  const fields = new Map<number, Uint8Array[]>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type !== 2) reader.skip(type);
    else fields.set(number, [...(fields.get(number) ?? []), reader.bytes()]);
  }
  return fields;
}

function textOf(fields: Fields, number: number): string {
  return Buffer.from(fields.get(number)?.[0] ?? []).toString();
}
