import {
  create,
  type DescMessage,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  type MethodDefinition,
} from '@grpc/grpc-js';

export interface Method<I extends DescMessage, O extends DescMessage> {
  readonly name: string;
  readonly parent: DescService;
  readonly input: I;
  readonly output: O;
}

/** Who calls, and how the connection is made; nobody, in plain text, unless given. */
export interface Access {
  readonly token?: string;
  readonly credentials?: ChannelCredentials;
}

/**
 * Typed calls to one gateway, and nothing that repeats or mends them. While the gateway is down, a call waits for it; a call
 * that is under way when the gateway dies rejects with UNAVAILABLE.
 */
export class RpcClient {
  readonly #client: Client;
  readonly #token: string | undefined;

  /** `host:port`. */
  constructor(url: string, access: Access = {}) {
    this.#token = access.token;
    this.#client = new Client(url, access.credentials ?? credentials.createInsecure(), {
      // A gateway that was killed is back within a second or two.
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 200,
      'grpc.max_receive_message_length': -1,
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  call<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    deadlineMs: number,
  ): Promise<MessageShape<O>> {
    const { path, requestSerialize, responseDeserialize } = definition(method, false);
    const message = create(method.input, request);
    const options = { deadline: Date.now() + deadlineMs };
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        message,
        this.#metadata(),
        options,
        (error, response) => {
          if (error) reject(error);
          else if (response === undefined) reject(new Error(`${path} answered nothing`));
          else resolve(response);
        },
      );
    });
  }

  stream<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
  ): ClientDuplexStream<MessageShape<I>, MessageShape<O>> {
    const { path, requestSerialize, responseDeserialize } = definition(method, true);
    return this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, this.#metadata());
  }

  serverStream<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
  ): ClientReadableStream<MessageShape<O>> {
    const { path, requestSerialize, responseDeserialize } = definition(method, true);
    const message = create(method.input, request);
    return this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, message, this.#metadata());
  }

  close(): void {
    this.#client.close();
  }

  #metadata(): Metadata {
    const metadata = new Metadata({ waitForReady: true });
    if (this.#token !== undefined) metadata.set('authorization', `Bearer ${this.#token}`);
    return metadata;
  }
}

function definition<I extends DescMessage, O extends DescMessage>(
  { name, parent, input, output }: Method<I, O>,
  bidi: boolean,
): MethodDefinition<MessageShape<I>, MessageShape<O>> {
  return {
    path: `/${parent.typeName}/${name}`,
    requestStream: bidi,
    responseStream: bidi,
    requestSerialize: (message) => Buffer.from(toBinary(input, message)),
    requestDeserialize: (bytes) => fromBinary(input, bytes),
    responseSerialize: (message) => Buffer.from(toBinary(output, message)),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  };
}
