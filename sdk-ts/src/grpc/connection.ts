import { setMaxListeners } from 'node:events';
import {
  type CallOptions,
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { Backoff } from '../backoff.js';
import { ClosedError, DeadlineError, InternalError, UnavailableError, type WaybillError } from '../errors.js';
import type { ResolvedOptions } from '../options.js';
import { pause } from '../pause.js';
import { errorFromStatus, toWaybillError } from './status.js';
import { channelTarget, verifyOptions } from './target.js';

export interface UnaryOptions {
  /** For all tries together. */
  readonly timeoutMs: number;
  /** Tried again while no gateway answers: only for calls that may be made twice. Otherwise made once, as soon as there is a connection. */
  readonly repeat: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** One connection to a gateway, or to each of several, which heals by itself. Calls fail fast with UNAVAILABLE while there is none. */
export class Connection {
  readonly #client: Client;
  readonly #closed = new AbortController();

  constructor(readonly options: ResolvedOptions) {
    // One listener for every call under way.
    setMaxListeners(0, this.#closed.signal);
    this.#client = new Client(channelTarget(options.addresses), channelCredentials(options), {
      'grpc.keepalive_time_ms': options.keepaliveTimeMs,
      'grpc.keepalive_timeout_ms': options.keepaliveTimeoutMs,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2_000,
      // Credit and batch limits bound what arrives; the gateway's own limit says what may be sent.
      'grpc.max_receive_message_length': -1,
      // grpc-js keeps a copy of all that a stream sends in order to retry it, which this client does itself.
      'grpc.enable_retries': 0,
      // A connection of its own for every bus, so that closing one leaves no trace in another.
      'grpc.use_local_subchannel_pool': 1,
      // HTTP/2 starts with 64 KiB, which is a round trip for every 200 deliveries.
      'grpc-node.flow_control_window': 1_048_576,
      'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    });
  }

  get closed(): boolean {
    return this.#closed.signal.aborted;
  }

  /** Aborted when the connection is closed. */
  get signal(): AbortSignal {
    return this.#closed.signal;
  }

  stream<I, O>(method: MethodDefinition<I, O>): ClientDuplexStream<I, O> {
    return this.#client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      this.#metadata(),
    );
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
        if (!(error instanceof UnavailableError) || !options.repeat || Date.now() + wait >= deadline) throw error;
        await pause(wait, options.signal);
      }
    }
  }

  /** Resolves when a gateway has answered; rejects with UnavailableError when none did in `timeoutMs`, or with what it answered when it refuses us. */
  async ready(timeoutMs: number): Promise<void> {
    try {
      await this.unary(HEALTH, Buffer.alloc(0), { timeoutMs, repeat: true });
    } catch (thrown) {
      const error = toWaybillError(thrown);
      // Whatever speaks gRPC and does not know this service, or this name of one, is a gateway in reach.
      if (error.code === 'UNIMPLEMENTED' || error.code === 'NOT_FOUND') return;
      if (error instanceof DeadlineError) throw unreachable(this.options.addresses, error);
      throw error instanceof UnavailableError ? unreachable(this.options.addresses, error) : error;
    }
  }

  /** Resolves when a gateway answers that it serves; rejects with UnavailableError when none does in `timeoutMs`, with what it answered when it refuses us, or with the signal's reason. */
  async serving(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    let answer: Buffer;
    try {
      answer = await this.unary(HEALTH, Buffer.alloc(0), { timeoutMs, repeat: true, signal });
    } catch (thrown) {
      const silent = thrown instanceof DeadlineError || thrown instanceof UnavailableError;
      throw silent ? unreachable(this.options.addresses, thrown) : thrown;
    }
    if (answer.equals(SERVING)) return;
    throw new UnavailableError('the gateway answers that it does not serve', {
      code: 'UNAVAILABLE',
      reason: 'NOT_SERVING',
    });
  }

  /** Ends every call with ClosedError. Safe twice. */
  close(): void {
    this.#closed.abort(new ClosedError('the bus is closed'));
    this.#client.close();
  }

  #once<I, O>(method: MethodDefinition<I, O>, request: I, deadline: number, options: UnaryOptions): Promise<O> {
    const { signal } = options;
    const closed = this.#closed.signal;
    return new Promise<O>((resolve, reject) => {
      closed.throwIfAborted();
      signal?.throwIfAborted();
      const metadata = this.#metadata();
      metadata.setOptions({ waitForReady: !options.repeat });
      const callOptions: CallOptions = { deadline };
      const call = this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        metadata,
        callOptions,
        (error, response) => {
          closed.removeEventListener('abort', cancel);
          signal?.removeEventListener('abort', cancel);
          if (closed.aborted) reject(closed.reason);
          else if (signal?.aborted) reject(signal.reason);
          else if (error !== null) reject(errorFromStatus(cancelledThere(error)));
          else if (response === undefined) reject(missingResponse(method.path));
          else resolve(response);
        },
      );
      const cancel = () => call.cancel();
      closed.addEventListener('abort', cancel, { once: true });
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    const token = this.options.token();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    return metadata;
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

function channelCredentials({ tls, addresses }: ResolvedOptions) {
  return tls === undefined
    ? credentials.createInsecure()
    : credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert), verifyOptions(addresses));
}

function pem(value: string | Uint8Array | undefined): Buffer | null {
  if (value === undefined) return null;
  return typeof value === 'string' ? Buffer.from(value) : Buffer.from(value);
}

function unreachable(addresses: readonly string[], cause: WaybillError): UnavailableError {
  return new UnavailableError(`no gateway answers at ${addresses.join(' or ')}: ${cause.message}`, {
    code: 'UNAVAILABLE',
    reason: cause.reason,
    cause,
  });
}

/** What was cancelled, and not by us, a gateway that shuts down has ended: the next one may answer. */
function cancelledThere(error: ServiceError): Pick<ServiceError, 'code' | 'details' | 'metadata'> {
  const { code, details, metadata } = error;
  if (code !== status.CANCELLED) return error;
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
