import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { Metadata, type ServiceError } from '@grpc/grpc-js';

/** A gRPC status, with an ErrorInfo of the gateway's when it has a reason. */
export interface Fault {
  readonly code: number;
  readonly details: string;
  readonly reason?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export function faultOf({ code, details, reason, metadata = {} }: Fault): ServiceError {
  const trailer = new Metadata();
  if (reason !== undefined) {
    trailer.set('grpc-status-details-bin', Buffer.from(statusBytes(code, details, reason, metadata)));
  }
  return Object.assign(new Error(details), { code, details, metadata: trailer });
}

function statusBytes(code: number, details: string, reason: string, metadata: Readonly<Record<string, string>>) {
  const info = new BinaryWriter().tag(1, 2).string(reason).tag(2, 2).string('waybill');
  for (const [key, value] of Object.entries(metadata)) {
    info.tag(3, 2).fork().tag(1, 2).string(key).tag(2, 2).string(value).join();
  }
  const any = new BinaryWriter().tag(1, 2).string('type.googleapis.com/google.rpc.ErrorInfo');
  any.tag(2, 2).bytes(info.finish());
  return new BinaryWriter().tag(1, 0).int32(code).tag(2, 2).string(details).tag(3, 2).bytes(any.finish()).finish();
}
