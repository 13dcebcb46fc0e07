import { EventEmitter } from 'node:events';
import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import type { AuthContext, Caller } from './caller.js';

/** A call of one request and one response, in the shape in which grpc-js hands one to its handler. */
export class UnaryCall extends EventEmitter implements ServerUnaryCall<unknown, unknown> {
  cancelled = false;
  readonly metadata: Metadata;

  constructor(
    private readonly path: string,
    readonly request: unknown,
    private readonly caller: Caller,
  ) {
    super();
    this.metadata = caller.metadata;
  }

  cancel(): void {
    if (this.cancelled) return;
    this.cancelled = true;
    this.emit('cancelled', 'cancelled');
  }

  getPeer(): string {
    return this.caller.peer;
  }

  getDeadline(): number {
    return this.caller.deadline;
  }

  getPath(): string {
    return this.path;
  }

  getHost(): string {
    return this.caller.host;
  }

  getAuthContext(): AuthContext {
    return this.caller.auth;
  }

  /** No method of ours answers with headers of its own. */
  sendMetadata(): void {}

  getMetricsRecorder(): never {
    throw new Error('a call without a connection has no metrics of one');
  }
}
