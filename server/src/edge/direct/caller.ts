import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';

/** What TLS proved of a client; empty without TLS. */
export type AuthContext = ReturnType<ServerUnaryCall<unknown, unknown>['getAuthContext']>;

/** Who makes a call, as its handler sees it. */
export interface Caller {
  readonly metadata: Metadata;
  /** `address:port`, or what stands for it. */
  readonly peer: string;
  /** The name by which the client reached this gateway. */
  readonly host: string;
  /** Unix milliseconds; Infinity without one. Whoever makes the call cancels it then. */
  readonly deadline: number;
  readonly auth: AuthContext;
}
