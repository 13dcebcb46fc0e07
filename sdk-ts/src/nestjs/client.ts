import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import type { Bus } from '../bus.js';
import { invalidOption } from '../errors.js';
import type { Published } from '../publisher/pending.js';
import { ReplyError } from '../request/reply-error.js';
import { bodyOf, headersOf, payloadOf } from './payload.js';
import { WaybillRecord, type WaybillRecordOptions } from './record.js';

/** Nest's `Transport.X` client over a bus. */
export interface WaybillClientOptions {
  /** The bus that it sends by, which stays open when the client is closed. */
  bus: Bus;
}

/**
 * Nest's client over a bus: `emit` publishes, and its Observable gives the message's id and outcome when that is durable; `send` is a request, and gives the reply.
 *
 * An error that the other side answered arrives as its exception filters made it, as with Nest's own transports (`{ status, message }`), or as
 * ReplyError where it was sent without details; that none came in time, as DeadlineError.
 *
 * @example
 * constructor(private readonly client: WaybillClient) {}
 * order() {
 *   return firstValueFrom(this.client.send<Price>('prices', 'apple'));
 * }
 */
export class WaybillClient extends ClientProxy {
  readonly #bus: Bus;

  constructor({ bus }: WaybillClientOptions) {
    super();
    this.#bus = bus;
  }

  /** The bus is connected. */
  async connect(): Promise<void> {}

  /** Leaves the bus open: it is its maker's to close. */
  close(): void {}

  override on(event: string): never {
    throw invalidOption('event', event, 'none');
  }

  /** The bus. The type is the caller's to vouch for, as everywhere in Nest. */
  override unwrap<T = Bus>(): T;
  override unwrap(): Bus {
    return this.#bus;
  }

  protected override publish(packet: ReadPacket<unknown>, callback: (packet: WritePacket) => void): () => void {
    const gone = new AbortController();
    const { topic, data, options } = this.#outgoing(packet);
    this.#bus.request(topic, bodyOf(data), { ...options, signal: gone.signal }).then(
      (reply) => {
        callback({ response: payloadOf(reply) });
        callback({ isDisposed: true });
      },
      (err: unknown) => {
        if (!gone.signal.aborted) callback({ err });
      },
    );
    return () => gone.abort();
  }

  protected override dispatchEvent(packet: ReadPacket<unknown>): Promise<Published>;
  protected override dispatchEvent<T>(packet: ReadPacket<unknown>): Promise<T>;
  protected override async dispatchEvent(packet: ReadPacket<unknown>): Promise<unknown> {
    const { topic, data, options } = this.#outgoing(packet);
    const { timeout: deadline, ...message } = options;
    return this.#bus.publish(topic, bodyOf(data), deadline === undefined ? message : { ...message, deadline });
  }

  protected override serializeError(error: unknown): unknown {
    return error instanceof ReplyError && error.details !== undefined ? error.details : error;
  }

  #outgoing({ pattern, data, metadata }: ReadPacket<unknown>) {
    const record = data instanceof WaybillRecord ? data : new WaybillRecord(data);
    const headers = headersOf(record.data, { ...metadata, ...record.options.headers });
    const options: WaybillRecordOptions = { ...record.options, headers };
    return { topic: this.normalizePattern(pattern), data: record.data, options };
  }
}
