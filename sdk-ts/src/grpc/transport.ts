import { Client, credentials, Metadata, type MethodDefinition, type ServiceError, status } from '@grpc/grpc-js';
import type { ResolvedOptions } from '../options.js';
import type { CallStatus, StreamCall, StreamListener, Transport, UnaryCallOptions } from '../transport/transport.js';
import { channelTarget, verifyOptions } from './target.js';

/** Calls over gRPC: one connection to a gateway, or to each of several, which heals by itself. */
export class GrpcTransport implements Transport {
  readonly #client: Client;

  constructor(private readonly options: ResolvedOptions) {
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

  stream<I, O>(method: MethodDefinition<I, O>, listener: StreamListener<O>): StreamCall<I> {
    const { path, requestSerialize, responseDeserialize } = method;
    const call = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, this.#metadata());
    call.on('data', (response: O) => listener.message(response));
    // The status follows.
    call.on('error', () => {});
    call.on('status', (status) => listener.ended(status));
    return {
      send: (request) => {
        call.write(request);
      },
      end: () => {
        call.end();
      },
      cancel: () => call.cancel(),
    };
  }

  unary<I, O>(
    method: MethodDefinition<I, O>,
    request: I,
    { deadline, waitForReady }: UnaryCallOptions,
    done: (status: CallStatus, response?: O) => void,
  ): () => void {
    const metadata = this.#metadata();
    metadata.setOptions({ waitForReady });
    const { path, requestSerialize, responseDeserialize } = method;
    const call = this.#client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      { deadline },
      (error: ServiceError | null, response) => (error === null ? done(OK, response) : done(error)),
    );
    return () => call.cancel();
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    const token = this.options.token();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    return metadata;
  }
}

const OK: CallStatus = { code: status.OK, details: 'OK', metadata: new Metadata() };

function channelCredentials({ tls, addresses }: ResolvedOptions) {
  return tls === undefined
    ? credentials.createInsecure()
    : credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert), verifyOptions(addresses));
}

function pem(value: string | Uint8Array | undefined): Buffer | null {
  if (value === undefined) return null;
  return typeof value === 'string' ? Buffer.from(value) : Buffer.from(value);
}
