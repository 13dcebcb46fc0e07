import { setMaxListeners } from 'node:events';
import { type MethodDefinition, status } from '@grpc/grpc-js';
import { Backoff } from '../backoff.js';
import { ClosedError, DeadlineError, InternalError, UnavailableError, WaybillError } from '../errors.js';
import type { ResolvedOptions } from '../options.js';
import { pause } from '../pause.js';
import type { CallStatus, StreamCall, StreamListener, Transport } from '../transport/transport.js';
import { errorFromStatus, toWaybillError } from './status.js';

export interface UnaryOptions {
  /** For all tries together. */
  readonly timeoutMs: number;
  /** After which errors it is tried again: only for calls that may be made twice. Otherwise made once, as soon as there is a connection. */
  readonly repeat: false | ((error: WaybillError) => boolean);
  readonly signal?: AbortSignal | undefined;
}

/** The call reached no gateway, or none that serves: the next one may answer. */
export function isUnavailable(error: WaybillError): boolean {
  return error instanceof UnavailableError;
}

/** The calls of one bus, over whatever carries them. While nothing answers, they fail fast with UNAVAILABLE. */
export class Connection {
  readonly #closed = new AbortController();

  constructor(
    readonly options: ResolvedOptions,
    private readonly transport: Transport,
  ) {
    // One listener for every call under way.
    setMaxListeners(0, this.#closed.signal);
  }

  get closed(): boolean {
    return this.#closed.signal.aborted;
  }

  /** Aborted when the connection is closed. */
  get signal(): AbortSignal {
    return this.#closed.signal;
  }

  stream<I, O>(method: MethodDefinition<I, O>, listener: StreamListener<O>): StreamCall<I> {
    return this.transport.stream(method, listener);
  }

  /** Rejects with a WaybillError, or with the signal's reason. */
  async unary<I, O>(method: MethodDefinition<I, O>, request: I, options: UnaryOptions): Promise<O> {
    const deadline = Date.now() + options.timeoutMs;
    const backoff = new Backoff();
    for (;;) {
      try {
        return await this.#once(method, request, deadline, options);
      } catch (thrown) {
        const error = options.signal?.aborted ? thrown : toWaybillError(thrown);
        const wait = backoff.next();
        const again = error instanceof WaybillError && options.repeat !== false && options.repeat(error);
        if (!again || Date.now() + wait >= deadline) throw error;
        await pause(wait, options.signal);
      }
    }
  }

  /** Resolves when a gateway has answered; rejects with UnavailableError when none did in `timeoutMs`, or with what it answered when it refuses us. */
  async ready(timeoutMs: number): Promise<void> {
    await this.#health(timeoutMs);
  }

  /** Resolves when a gateway answers that it serves; rejects with UnavailableError when none does in `timeoutMs`, with what it answered when it refuses us, or with the signal's reason. */
  async serving(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const answer = await this.#health(timeoutMs, signal);
    if (answer?.equals(SERVING) !== false) return;
    throw new UnavailableError('the gateway answers that it does not serve', {
      code: 'UNAVAILABLE',
      reason: 'NOT_SERVING',
    });
  }

  /** Ends every call with ClosedError. Safe twice. */
  async close(): Promise<void> {
    this.#closed.abort(new ClosedError('the bus is closed'));
    await this.transport.close();
  }

  /** Undefined for a gateway that does not say: what speaks gRPC and does not know this service, or this name of one, is one in reach. */
  async #health(timeoutMs: number, signal?: AbortSignal): Promise<Buffer | undefined> {
    try {
      return await this.unary(HEALTH, Buffer.alloc(0), { timeoutMs, repeat: isUnavailable, signal });
    } catch (thrown) {
      if (signal?.aborted) throw thrown;
      const error = toWaybillError(thrown);
      if (error.code === 'UNIMPLEMENTED' || error.code === 'NOT_FOUND') return undefined;
      const silent = error instanceof DeadlineError || error instanceof UnavailableError;
      throw silent ? unreachable(this.options.addresses, error) : error;
    }
  }

  #once<I, O>(method: MethodDefinition<I, O>, request: I, deadline: number, options: UnaryOptions): Promise<O> {
    const { signal } = options;
    const closed = this.#closed.signal;
    return new Promise<O>((resolve, reject) => {
      closed.throwIfAborted();
      signal?.throwIfAborted();
      const callOptions = { deadline, waitForReady: !options.repeat };
      const cancel = this.transport.unary(method, request, callOptions, (ended, response) => {
        closed.removeEventListener('abort', cancel);
        signal?.removeEventListener('abort', cancel);
        if (closed.aborted) reject(closed.reason);
        else if (signal?.aborted) reject(signal.reason);
        else if (ended.code !== status.OK) reject(errorFromStatus(cancelledThere(ended)));
        else if (response === undefined) reject(missingResponse(method.path));
        else resolve(response);
      });
      closed.addEventListener('abort', cancel, { once: true });
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }
}

/** grpc.health.v1.Health/Check of the whole server: an empty request. */
const HEALTH: MethodDefinition<Buffer, Buffer> = {
  path: '/grpc.health.v1.Health/Check',
  requestStream: false,
  responseStream: false,
  requestSerialize: (bytes) => bytes,
  requestDeserialize: (bytes) => bytes,
  responseSerialize: (bytes) => bytes,
  responseDeserialize: (bytes) => bytes,
};

/** `HealthCheckResponse { status: SERVING }` */
const SERVING = Buffer.from([0x08, 0x01]);

function unreachable(addresses: readonly string[], cause: WaybillError): UnavailableError {
  return new UnavailableError(`no gateway answers at ${addresses.join(' or ')}: ${cause.message}`, {
    code: 'UNAVAILABLE',
    reason: cause.reason,
    cause,
  });
}

/** What was cancelled, and not by us, a gateway that shuts down has ended: the next one may answer. */
function cancelledThere(ended: CallStatus): CallStatus {
  const { code, details, metadata } = ended;
  if (code !== status.CANCELLED) return ended;
  return { code: status.UNAVAILABLE, details: `the gateway ended the call: ${details}`, metadata };
}

function missingResponse(path: string): InternalError {
  return new InternalError(`${path} answered nothing`, { code: 'INTERNAL' });
}

/** Whether a stream that ended with this status may simply be opened again: what it carried was not judged. */
export function isStreamBreak(code: number): boolean {
  switch (code) {
    case status.OK:
    case status.CANCELLED:
    case status.UNKNOWN:
    case status.DEADLINE_EXCEEDED:
    case status.ABORTED:
    case status.INTERNAL:
    case status.UNAVAILABLE:
      return true;
    default:
      return false;
  }
}
