import type { DescMethod } from '@bufbuild/protobuf';
import { type ChannelCredentials, Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { type Refusal, refusalOf } from '../bad-input/error-info.js';
import type { Attempt } from './attempts.js';

/** What came of an attempt: a refusal, or the first answer. */
export type Outcome = Refusal | { readonly answer: Buffer };

const CALL_MS = 5_000;

/** Makes attempts by one of the ports. */
export interface Attempter {
  /** Undefined: the port has no such method. `authorization` is the whole header; undefined: none. */
  make(attempt: Attempt, authorization: string | undefined): Promise<Outcome | undefined>;
}

/** Attempts by the gRPC port. */
export class AttemptClient implements Attempter {
  readonly #client: Client;

  constructor(url: string, channel: ChannelCredentials = credentials.createInsecure()) {
    this.#client = new Client(url, channel, { 'grpc.use_local_subchannel_pool': 1 });
  }

  async make({ method, requests }: Attempt, authorization: string | undefined): Promise<Outcome> {
    const metadata = new Metadata();
    if (authorization !== undefined) metadata.set('authorization', authorization);
    const options = { deadline: Date.now() + CALL_MS };
    if (method.methodKind === 'unary') {
      return new Promise((resolve) => {
        const done = (error: ServiceError | null, answer: Buffer = Buffer.alloc(0)) => {
          resolve(error === null ? { answer } : refusalOf(error));
        };
        const [request = Buffer.alloc(0)] = requests;
        this.#client.makeUnaryRequest(pathOf(method), asIs, asIs, Buffer.from(request), metadata, options, done);
      });
    }
    const call = this.#client.makeBidiStreamRequest(pathOf(method), asIs, asIs, metadata, options);
    for (const request of requests) call.write(Buffer.from(request));
    if (method.methodKind === 'server_streaming') call.end();
    return new Promise((resolve) => {
      call.once('data', (answer: Buffer) => {
        resolve({ answer });
        call.cancel();
      });
      call.on('error', (error: ServiceError) => resolve(refusalOf(error)));
      call.on('end', () => resolve({ answer: Buffer.alloc(0) }));
    });
  }

  close(): void {
    this.#client.close();
  }
}

function pathOf({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`;
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}
