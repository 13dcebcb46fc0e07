import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { type Refusal, refusalOf } from './error-info.js';

const CALL_MS = 15_000;

/** Calls whose bytes are the test's own: it says what no generated client can. */
export class RawClient {
  readonly #client: Client;

  /** `host:port`. */
  constructor(url: string) {
    this.#client = new Client(url, credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  /** The bytes of the answer, or the refusal. */
  unary(
    method: DescMethod,
    request: Uint8Array,
    deadlineMs = CALL_MS,
    metadata = new Metadata(),
  ): Promise<Uint8Array | Refusal> {
    const options = { deadline: Date.now() + deadlineMs };
    return new Promise((resolve) => {
      const done = (error: ServiceError | null, response?: Buffer) => {
        resolve(error === null ? (response ?? Buffer.alloc(0)) : refusalOf(error));
      };
      this.#client.makeUnaryRequest(pathOf(method), asIs, asIs, Buffer.from(request), metadata, options, done);
    });
  }

  /** Sends the frames one after the other and leaves the stream open; resolves when the gateway ends it. */
  async stream(method: DescMethod, frames: readonly Uint8Array[]): Promise<Refusal | 'ended in order'> {
    const call = this.open(method);
    for (const frame of frames) call.write(Buffer.from(frame));
    return endOf(call);
  }

  /** Asks for a stream of answers, and resolves when it ends. */
  async serverStream(method: DescMethod, request: Uint8Array): Promise<Refusal | 'ended in order'> {
    const call = this.open(method);
    call.end(Buffer.from(request));
    return endOf(call);
  }

  open(method: DescMethod, deadlineMs = CALL_MS): ClientDuplexStream<Buffer, Buffer> {
    const options = { deadline: Date.now() + deadlineMs };
    return this.#client.makeBidiStreamRequest(pathOf(method), asIs, asIs, new Metadata(), options);
  }

  close(): void {
    this.#client.close();
  }
}

export function bytesOf<T extends DescMessage>(schema: T, message: MessageInitShape<T>): Uint8Array {
  return toBinary(schema, create(schema, message));
}

/** The answer of a call that must not be refused. */
export function answered<T extends DescMessage>(schema: T, answer: Uint8Array | Refusal): MessageShape<T> {
  if (answer instanceof Uint8Array) return fromBinary(schema, answer);
  throw new Error(`the call was refused: ${JSON.stringify(answer)}`);
}

function pathOf({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`;
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

function endOf(call: ClientDuplexStream<Buffer, Buffer>): Promise<Refusal | 'ended in order'> {
  call.on('data', () => {});
  return new Promise((resolve) => {
    call.on('error', (error: ServiceError) => resolve(refusalOf(error)));
    call.on('end', () => resolve('ended in order'));
  });
}
