import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import {
  type SettledFrame,
  type SubscribeRequest,
  SubscribeRequestSchema,
  type SubscribeResponse,
} from '@waybill/proto/waybill/v1/bus';
import { type Received, type RetryPolicy, type Status, toReceived, toStatus } from './client-types.js';

export interface ConsumerOptions {
  /** 100 unless given. */
  readonly credit?: number;
  readonly leaseSeconds?: number;
  readonly retry?: RetryPolicy;
  readonly consumer?: string;
}

type Call = ClientDuplexStream<SubscribeRequest, SubscribeResponse>;
type Frame = Exclude<MessageInitShape<typeof SubscribeRequestSchema>['frame'], undefined>;

interface Reader {
  readonly count: number;
  readonly resolve: (received: Received[]) => void;
  readonly reject: (error: Error) => void;
}

const PATIENCE_MS = 20_000;

/** One `Subscribe` stream. What it receives is read in order by `next` and `take`, or seen at once by `listen`. */
export class ConsumerStream {
  /** Everything that came, in order. */
  readonly received: Received[] = [];
  /** Resolves when the stream ended, with the error that ended it if one did. Never rejects. */
  readonly ended: Promise<ServiceError | undefined>;
  readonly #call: Call;
  readonly #settles = new Map<bigint, { resolve: (frame: SettledFrame) => void; reject: (error: Error) => void }>();
  #unread: Received[] = [];
  #reader: Reader | undefined;
  #listener: ((batch: Received[]) => void) | undefined;
  #sequence = 0n;
  #opened: (error?: Error) => void = () => {};
  #over: Error | undefined;

  /** Resolves when the channel exists and its messages may come. */
  static async open(call: Call, topic: string, channel: string, options: ConsumerOptions): Promise<ConsumerStream> {
    const stream = new ConsumerStream(call);
    const opened = new Promise<void>((resolve, reject) => {
      stream.#opened = (error) => (error ? reject(error) : resolve());
    });
    const { credit = 100, leaseSeconds = 0, retry, consumer = '' } = options;
    const value = { topic, channel, credit, leaseSeconds, consumer, ...(retry === undefined ? {} : { retry }) };
    stream.#send({ case: 'open', value });
    await opened;
    return stream;
  }

  private constructor(call: Call) {
    this.#call = call;
    call.on('data', (response: SubscribeResponse) => this.#receive(response));
    this.ended = new Promise((resolve) => {
      call.on('error', (error: ServiceError) => resolve(error));
      call.on('end', () => resolve(undefined));
    });
    void this.ended.then((error) => this.#end(error ?? new Error('the stream ended')));
  }

  /** The next message that was not read yet. */
  async next(): Promise<Received> {
    const [received] = await this.take(1);
    if (received === undefined) throw new Error('took nothing');
    return received;
  }

  /** The next `count` messages; rejects when the stream ends, or they do not come. */
  take(count: number): Promise<Received[]> {
    if (this.#reader !== undefined) throw new Error('the stream is being read already');
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const ids = this.#unread.map(({ id }) => id);
        const some = ids.slice(0, 10).join(' ');
        reader.reject(new Error(`${ids.length} of ${count} messages came in ${PATIENCE_MS} ms: ${some}`));
      }, PATIENCE_MS);
      const settled = <T>(settle: (value: T) => void) => {
        return (value: T) => {
          clearTimeout(timer);
          this.#reader = undefined;
          settle(value);
        };
      };
      const reader: Reader = { count, resolve: settled(resolve), reject: settled(reject) };
      this.#reader = reader;
      this.#read();
    });
  }

  /** Everything up to the message with this id, which is left out. */
  async takeUntil(id: string): Promise<Received[]> {
    const before: Received[] = [];
    for (;;) {
      const received = await this.next();
      if (received.id === id) return before;
      before.push(received);
    }
  }

  /** Calls back with every batch from now on, in the moment that it arrives; they are not kept for `next`. */
  listen(listener: (batch: Received[]) => void): void {
    this.#listener = listener;
    const unread = this.#unread;
    this.#unread = [];
    if (unread.length > 0) listener(unread);
  }

  ack(receipts: readonly string[]): Promise<Status[]> {
    return this.#settle(receipts, { case: 'ack', value: { receipts: [...receipts] } });
  }

  /** Without `delayMs` the retry policy says when. */
  nack(receipts: readonly string[], delayMs?: number, unhandled = false): Promise<Status[]> {
    const delay = delayMs === undefined ? {} : { delayMs: BigInt(delayMs) };
    return this.#settle(receipts, { case: 'nack', value: { receipts: [...receipts], unhandled, ...delay } });
  }

  extend(receipts: readonly string[], leaseSeconds: number): Promise<Status[]> {
    return this.#settle(receipts, { case: 'extend', value: { receipts: [...receipts], leaseSeconds } });
  }

  reject(receipts: readonly string[]): Promise<Status[]> {
    return this.#settle(receipts, { case: 'reject', value: { receipts: [...receipts] } });
  }

  credit(credit: number): void {
    this.#send({ case: 'credit', value: { credit } });
  }

  /** Ends the stream in order; resolves when the gateway has ended it too. */
  async close(): Promise<void> {
    this.#call.end();
    await this.ended;
  }

  /** As when the consumer's process dies: nothing more is sent, and what it held is not settled. */
  async drop(): Promise<void> {
    this.#call.cancel();
    await this.ended;
  }

  async #settle(receipts: readonly string[], frame: Frame): Promise<Status[]> {
    if (this.#over !== undefined) throw this.#over;
    const sequence = this.#sequence + 1n;
    const { failures } = await new Promise<SettledFrame>((resolve, reject) => {
      this.#settles.set(sequence, { resolve, reject });
      this.#send(frame);
    });
    const failed = new Map(failures.map(({ receipt, status }) => [receipt, toStatus(status)]));
    return receipts.map((receipt) => failed.get(receipt) ?? 'ok');
  }

  #send(frame: Frame): void {
    this.#sequence++;
    this.#call.write(create(SubscribeRequestSchema, { sequence: this.#sequence, frame }));
  }

  #receive({ frame }: SubscribeResponse): void {
    switch (frame.case) {
      case 'opened':
        this.#opened();
        break;
      case 'deliveries': {
        const at = Date.now();
        const batch = frame.value.deliveries.map((delivery) => toReceived(delivery, at));
        this.received.push(...batch);
        if (this.#listener !== undefined) this.#listener(batch);
        else this.#unread.push(...batch);
        this.#read();
        break;
      }
      case 'settled':
        this.#settles.get(frame.value.sequence)?.resolve(frame.value);
        this.#settles.delete(frame.value.sequence);
        break;
      case 'draining':
      case 'heartbeat':
      case undefined:
    }
  }

  #read(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    if (this.#unread.length >= reader.count) reader.resolve(this.#unread.splice(0, reader.count));
    else if (this.#over !== undefined) reader.reject(this.#over);
  }

  #end(error: Error): void {
    this.#over = error;
    this.#opened(error);
    for (const { reject } of this.#settles.values()) reject(error);
    this.#settles.clear();
    this.#read();
  }
}
