import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import type { ServerUnaryCall, UntypedHandleCall } from '@grpc/grpc-js';
import type { Principal } from '../access/principal.js';

export type AdminCall = Pick<ServerUnaryCall<unknown, unknown>, 'getPeer' | 'getDeadline'>;

/** What the methods of `waybill.v1.Admin` have in common. */
export interface AdminCalls {
  /** A method that answers by this schema. */
  answer<Request, Desc extends DescMessage>(
    schema: Desc,
    handle: (request: Request, call: AdminCall) => Promise<MessageInitShape<Desc>>,
  ): UntypedHandleCall;
  /** A line in the audit log. */
  note(call: AdminCall, action: string, target: string, count: number): Promise<void>;
  /** Unix milliseconds: now, and when the call must be answered. */
  times(call: AdminCall): { readonly now: number; readonly until: number };
  /** Who makes it. */
  caller(call: AdminCall): Principal;
}
