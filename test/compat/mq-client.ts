import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, credentials, loadPackageDefinition, Metadata, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { onTestFinished } from 'vitest';

const PROTO = fileURLToPath(new URL('../../proto/mq/mq.proto', import.meta.url));
const CALL_MS = 20_000;

export interface Taken {
  readonly id: string;
  readonly data: string;
  readonly queue: string;
}

/** A service of event-bus as grpc-js makes it from the proto file alone: no code of ours in between. */
class Service {
  readonly #client: Client;
  readonly #definition: ServiceDefinition;

  constructor(name: 'Mq' | 'MqTopic', url: string) {
    const loaded = loadPackageDefinition(loadSync(PROTO, { keepCase: true, longs: Number })).mq;
    const service = loaded !== undefined && name in loaded ? Reflect.get(loaded, name) : undefined;
    this.#definition = service.service;
    this.#client = new Client(url, credentials.createInsecure(), { 'grpc.initial_reconnect_backoff_ms': 50 });
  }

  /** Without a deadline when it is undefined. */
  call<Response = unknown>(method: string, request: object, deadlineMs: number | undefined = CALL_MS) {
    return this.begin<Response>(method, request, deadlineMs).answer;
  }

  begin<Response>(method: string, request: object, deadlineMs: number | undefined) {
    const definition = this.#definition[method];
    if (definition === undefined) throw new Error(`the contract has no ${method}`);
    const { path, requestSerialize, responseDeserialize } = definition;
    const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
    let cancel = () => {};
    const answer = new Promise<Response>((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        new Metadata(),
        options,
        (error, response) => (response === undefined ? reject(error) : resolve(response)),
      );
      cancel = () => call.cancel();
    });
    return { answer, cancel };
  }

  close(): void {
    this.#client.close();
  }
}

interface PublishOptions {
  readonly delaySeconds?: number;
  readonly ExpirationSeconds?: number;
}

/** Settling is the same on both services. */
class Settling {
  constructor(protected readonly service: Service) {}

  async ack(id: string): Promise<void> {
    await this.service.call('ack', { id });
  }

  async nack(id: string): Promise<void> {
    await this.service.call('nack', { id });
  }
}

export class Queues extends Settling {
  async publish(queue: string, data: string, options: PublishOptions = {}, deadlineMs?: number): Promise<void> {
    const method = options.delaySeconds === undefined ? 'publish' : 'delayPublish';
    await this.service.call(method, { queue, data, ...options }, deadlineMs);
  }

  subscribe(queue: string, deadlineMs?: number): Promise<Taken> {
    return this.service.call('subscribe', { queue }, deadlineMs);
  }

  /** Waits without a deadline. */
  wait(queue: string): { answer: Promise<Taken>; cancel(): void } {
    return this.service.begin('subscribe', { queue }, undefined);
  }
}

export class Topics extends Settling {
  async publish(topic: string, data: string, options: PublishOptions = {}): Promise<void> {
    const method = options.delaySeconds === undefined ? 'publish' : 'delayPublish';
    await this.service.call(method, { topic, data, ...options });
  }

  subscribe(topic: string, queueName: string, deadlineMs?: number): Promise<Taken> {
    return this.service.call('subscribe', { topic, queueName }, deadlineMs);
  }
}

export interface MqClient {
  readonly queues: Queues;
  readonly topics: Topics;
}

/** Both services of the gateway on `host:port`, for the current test. */
export function mqClient(url: string): MqClient {
  const services = [new Service('Mq', url), new Service('MqTopic', url)] as const;
  onTestFinished(() => {
    for (const service of services) service.close();
  });
  return { queues: new Queues(services[0]), topics: new Topics(services[1]) };
}

/** What a call came to: its gRPC code and text, or code 0. */
export async function outcome(call: Promise<unknown>): Promise<{ code: number; details: string }> {
  try {
    await call;
    return { code: 0, details: '' };
  } catch (error) {
    if (error instanceof Error && 'code' in error && 'details' in error) {
      return { code: Number(error.code), details: String(error.details) };
    }
    throw error;
  }
}

/** Acks all that the queue has, until nothing has come for a moment; answers the data. */
export async function drainQueue(queues: Queues, queue: string, quietMs = 500): Promise<string[]> {
  const data: string[] = [];
  for (;;) {
    const taken = await queues.subscribe(queue, quietMs).catch(() => undefined);
    if (taken === undefined) return data;
    await queues.ack(taken.id);
    data.push(taken.data);
  }
}

/** Tries until the call succeeds: for the moments in which a gateway or its broker comes back. */
export async function eventually<T>(call: () => Promise<T>, limitMs = 30_000): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (Date.now() > end) throw error;
      await delay(100);
    }
  }
}
