import {
  create,
  type DescMessage,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import type { ConnectionFlags } from './connection.js';
import { CommandError, callFailed } from './failure.js';
import { channelCredentials, tlsFiles } from './tls.js';

interface Method<I extends DescMessage, O extends DescMessage> {
  readonly name: string;
  readonly parent: DescService;
  readonly input: I;
  readonly output: O;
}

const DIAL_MS = 10_000;
/** A call that goes over many rows ends by itself shortly before its deadline, and says that it did. */
export const CALL_MS = 30_000;
const DEFAULT_PORT = 9_091;

/** Calls to one gateway: of those that `--url` names, the first to answer. Nothing is tried twice. */
export class GatewayClient {
  private constructor(
    readonly address: string,
    readonly secure: boolean,
    private readonly client: Client,
    private readonly token: string | undefined,
  ) {}

  static async open({ url, token = process.env.WAYBILL_TOKEN, ...flags }: ConnectionFlags): Promise<GatewayClient> {
    const tls = tlsFiles(flags);
    const { addresses, secure: named } = parseGateways(
      url ?? process.env.WAYBILL_URL ?? process.env.MQ_HOST ?? 'localhost',
    );
    const secure = named || tls !== undefined;
    const clients = addresses.map((address) => {
      const channel = secure ? channelCredentials(tls ?? {}) : credentials.createInsecure();
      return new GatewayClient(address, secure, new Client(address, channel, OPTIONS), token);
    });
    try {
      const first = await Promise.any(clients.map((client) => client.ready()));
      for (const other of clients) if (other !== first) other.close();
      return first;
    } catch {
      for (const client of clients) client.close();
      throw new CommandError(
        'UNAVAILABLE',
        `no gateway answers at ${addresses.join(' or ')} within ${DIAL_MS / 1_000} s`,
      );
    }
  }

  call<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    timeoutMs = CALL_MS,
  ): Promise<MessageShape<O>> {
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        pathOf(method),
        writer(method.input),
        reader(method.output),
        create(method.input, request),
        this.metadata(),
        { deadline: Date.now() + timeoutMs },
        (error, answer) => {
          if (error !== null) reject(callFailed(error, this.address));
          else if (answer === undefined) reject(new Error(`${method.name} answered nothing`));
          else resolve(answer);
        },
      );
    });
  }

  /** What the server sends, until it ends or the signal is aborted. */
  async *stream<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    signal: AbortSignal,
  ): AsyncGenerator<MessageShape<O>> {
    const call = this.client.makeServerStreamRequest<MessageShape<I>, MessageShape<O>>(
      pathOf(method),
      writer(method.input),
      reader(method.output),
      create(method.input, request),
      this.metadata(),
    );
    signal.addEventListener('abort', () => call.cancel(), { once: true });
    try {
      yield* call;
    } catch (error) {
      if (!signal.aborted) throw callFailed(error, this.address);
    } finally {
      call.cancel();
    }
  }

  close(): void {
    this.client.close();
  }

  private ready(): Promise<this> {
    return new Promise((resolve, reject) => {
      this.client.waitForReady(Date.now() + DIAL_MS, (error) => (error ? reject(error) : resolve(this)));
    });
  }

  private metadata(): Metadata {
    const metadata = new Metadata();
    if (this.token !== undefined) metadata.set('authorization', `Bearer ${this.token}`);
    return metadata;
  }
}

/** Opens a client for as long as the work takes. */
export async function withGateway<T>(flags: ConnectionFlags, work: (gateway: GatewayClient) => Promise<T>): Promise<T> {
  const gateway = await GatewayClient.open(flags);
  try {
    return await work(gateway);
  } finally {
    gateway.close();
  }
}

/** `--url` as the SDK reads it: `host:port`, a scheme or none, several with commas between. */
export function parseGateways(url: string): { readonly addresses: readonly string[]; readonly secure: boolean } {
  let secure: boolean | undefined;
  const addresses = url.split(',').map((part) => {
    const match = /^(?:(https?|grpcs?):\/\/)?(\[[0-9a-fA-F:.]+\]|[^\s/:,]+)(?::(\d{1,5}))?\/?$/.exec(part.trim());
    const [, scheme, host, port = DEFAULT_PORT] = match ?? [];
    const tls: boolean = scheme === undefined ? (secure ?? false) : scheme.endsWith('s');
    if (host === undefined || (secure !== undefined && secure !== tls)) {
      throw new CommandError('INVALID_ARGUMENT', `--url is ${JSON.stringify(url)}: it takes host:port`);
    }
    secure = tls;
    return `${host}:${port}`;
  });
  return { addresses, secure: secure ?? false };
}

const OPTIONS = {
  'grpc.max_receive_message_length': -1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
};

function pathOf({ parent, name }: Method<DescMessage, DescMessage>): string {
  return `/${parent.typeName}/${name}`;
}

function writer<T extends DescMessage>(desc: T) {
  return (message: MessageShape<T>): Buffer => Buffer.from(toBinary(desc, message));
}

function reader<T extends DescMessage>(desc: T) {
  return (bytes: Buffer): MessageShape<T> => fromBinary(desc, bytes);
}
