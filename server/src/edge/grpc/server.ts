import type { DescService } from '@bufbuild/protobuf';
import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { StartError } from '../../model/errors.js';
import type { Service } from '../../ports/service.js';
import type { Tls } from '../tls.js';
import { HealthDesc } from './health.js';
import { addReflection } from './reflection.js';

export interface RpcServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** The longest message of a request, in bytes. */
  readonly maxMessageBytes: number;
  /** Between two HTTP/2 PINGs on a silent connection, in milliseconds. */
  readonly keepaliveMs: number;
  /** How long streams and calls may go on once the server stops, in milliseconds. */
  readonly drainMs: number;
  /** Whether server reflection is there. */
  readonly reflection: boolean;
  /** Undefined: plain. */
  readonly tls: Pick<Tls, 'credentials'> | undefined;
}

/** How long the last answers may take to be on their way. */
const FLUSH_MS = 500;
/** Headers, keys and framing beside a body of the largest size. Past body and slack, gRPC itself refuses. */
const SLACK_BYTES = 1024 * 1024;

export interface RpcService {
  readonly desc: DescService;
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** The gRPC port: the services, health and reflection. */
export class RpcServer implements Service {
  readonly #server: Server;
  readonly #health = new HealthImplementation({ '': 'NOT_SERVING' });
  /** Health as a service like the others, to be called otherwise too. */
  readonly health: RpcService;
  #port = 0;
  #stopping: Promise<void> | undefined;

  constructor(
    private readonly services: readonly RpcService[],
    private readonly options: RpcServerOptions,
    /** Ends streams and calls in order. What is open afterwards only watches, as health's watchers do. */
    private readonly drainCalls: (graceMs: number) => Promise<void>,
  ) {
    this.#server = new Server({
      'grpc.max_receive_message_length': options.maxMessageBytes + SLACK_BYTES,
      'grpc.max_send_message_length': -1,
      // Asked of by nobody, but grpc-js 1.14 knows by it which sessions to end: without, a stop waits for those who only watch.
      'grpc.enable_channelz': 1,
      'grpc.keepalive_time_ms': options.keepaliveMs,
      'grpc.keepalive_timeout_ms': options.keepaliveMs,
      'grpc.keepalive_permit_without_calls': 1,
    });
    for (const { definition, implementation } of services) this.#server.addService(definition, implementation);
    this.health = this.#addHealth();
    if (options.reflection) addReflection(this.#server, [...new Set(services.map(({ desc }) => desc.file))]);
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    const { host, port, tls } = this.options;
    const credentials = tls?.credentials() ?? ServerCredentials.createInsecure();
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    this.#port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(address, credentials, (error, bound) => {
        if (error === null) resolve(bound);
        else reject(new StartError(`cannot listen on ${address} for gRPC (config RpcPort): ${error.message}`));
      });
    });
    this.#setServing('SERVING');
  }

  /** New connections are refused, streams are drained, and calls under way are answered, as long as the grace lasts. */
  stop(): Promise<void> {
    this.#stopping ??= this.#drain();
    return this.#stopping;
  }

  async #drain(): Promise<void> {
    this.#setServing('NOT_SERVING');
    const { drainMs } = this.options;
    const closed = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    await this.drainCalls(drainMs);
    const timer = setTimeout(() => this.#server.forceShutdown(), FLUSH_MS);
    await closed;
    clearTimeout(timer);
  }

  #addHealth(): RpcService {
    const added: Omit<RpcService, 'desc'>[] = [];
    this.#health.addToServer({
      addService: (definition, implementation) => {
        added.push({ definition, implementation });
        this.#server.addService(definition, implementation);
      },
    });
    const [health] = added;
    if (health === undefined) throw new Error('there is no health service');
    return { desc: HealthDesc, ...health };
  }

  #setServing(status: 'SERVING' | 'NOT_SERVING'): void {
    for (const name of ['', ...this.services.map(({ desc }) => desc.typeName)]) this.#health.setStatus(name, status);
  }
}
