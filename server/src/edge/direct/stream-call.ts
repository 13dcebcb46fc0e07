import { Duplex } from 'node:stream';
import type { Metadata, MethodDefinition, ServerDuplexStream, ServerWritableStream } from '@grpc/grpc-js';
import type { AuthContext, Caller } from './caller.js';
import { CANCELLED, type CallStatus, OK, statusOf } from './status.js';

/** Who made a streaming call. */
export interface StreamListener {
  /** The next one comes after `taken` was called. */
  message(response: Buffer, taken: () => void): void;
  /** Called once; nothing comes after it. */
  ended(status: CallStatus): void;
  /** The handler takes requests again, after `send` answered false. */
  drained?(): void;
}

type Method = Pick<
  MethodDefinition<unknown, unknown>,
  'path' | 'requestStream' | 'requestDeserialize' | 'responseSerialize'
>;

/**
 * A streaming call in the shape in which grpc-js hands one to its handler: an emitted error ends it with that status once all that
 * was written is taken, and whichever way it ended, `cancelled` and `close` follow.
 */
export class StreamCall
  extends Duplex
  implements ServerWritableStream<unknown, unknown>, ServerDuplexStream<unknown, unknown>
{
  cancelled = false;
  readonly metadata: Metadata;
  #status = OK;
  #over = false;

  constructor(
    private readonly method: Method,
    /** The one request of a method that takes no stream of them. */
    readonly request: unknown,
    private readonly caller: Caller,
    private readonly listener: StreamListener,
  ) {
    super({ objectMode: true });
    this.metadata = caller.metadata;
    this.on('error', (error) => {
      this.#status = statusOf(error);
      this.end();
    });
    if (!method.requestStream) {
      this.push(null);
      this.resume();
    }
  }

  /** False: send no more until `drained`. */
  send(request: Buffer): boolean {
    return this.#over || this.push(this.method.requestDeserialize(request));
  }

  /** The client has said all. */
  halfClose(): void {
    if (!this.#over) this.push(null);
  }

  cancel(status: CallStatus = CANCELLED): void {
    this.#finish(status);
  }

  override end(): this {
    return super.end();
  }

  override _read(): void {
    this.listener.drained?.();
  }

  override _write(response: unknown, _: BufferEncoding, taken: () => void): void {
    if (this.#over) taken();
    else this.listener.message(this.method.responseSerialize(response), taken);
  }

  override _final(done: () => void): void {
    done();
    this.#finish(this.#status);
  }

  getPeer(): string {
    return this.caller.peer;
  }

  getDeadline(): number {
    return this.caller.deadline;
  }

  getPath(): string {
    return this.method.path;
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

  #finish(status: CallStatus): void {
    if (this.#over) return;
    this.#over = true;
    this.listener.ended(status);
    process.nextTick(() => {
      this.cancelled = true;
      this.emit('cancelled', 'cancelled');
      this.destroy();
    });
  }
}
