import type { MessageInitShape } from '@bufbuild/protobuf';
import { Bus, type PullRequestSchema, type SettleResult } from '@waybill/proto/waybill/v1/bus';
import {
  type Outgoing,
  type Published,
  type Received,
  type RetryPolicy,
  type Status,
  toMessage,
  toPublished,
  toReceived,
  toStatus,
} from './client-types.js';
import { type ConsumerOptions, ConsumerStream } from './consumer-stream.js';
import { type Access, RpcClient } from './rpc.js';

export interface PullOptions {
  /** 100 unless given. */
  readonly max?: number;
  readonly leaseSeconds?: number;
  /** How long to wait for a first message: 5 s unless given. */
  readonly waitMs?: number;
  readonly retry?: RetryPolicy;
}

const CALL_MS = 20_000;

/** The bus by one gateway, call by call: see RpcClient for what happens while the gateway is down. */
export class BusClient {
  readonly #rpc: RpcClient;

  /** `host:port`. */
  constructor(url: string, access: Access = {}) {
    this.#rpc = new RpcClient(url, access);
  }

  /** All in one call. Rejects when none was accepted. */
  async publish(messages: readonly Outgoing[], deadlineMs = CALL_MS): Promise<Published[]> {
    const { results } = await this.#rpc.call(Bus.method.publish, { messages: messages.map(toMessage) }, deadlineMs);
    return results.map(toPublished);
  }

  async publishOne(message: Outgoing, deadlineMs = CALL_MS): Promise<Published> {
    const [published] = await this.publish([message], deadlineMs);
    if (published === undefined) throw new Error('the answer to a publish has no result');
    return published;
  }

  /** Resolves when the channel exists and its messages may come. */
  subscribe(topic: string, channel: string, options: ConsumerOptions = {}): Promise<ConsumerStream> {
    return ConsumerStream.open(this.#rpc.stream(Bus.method.subscribe), topic, channel, options);
  }

  /** Makes the channel, and takes nothing of it. */
  async makeChannel(topic: string, channel: string, retry?: RetryPolicy): Promise<void> {
    const stream = await this.subscribe(topic, channel, { credit: 0, ...(retry === undefined ? {} : { retry }) });
    await stream.close();
  }

  async pull(topic: string, channel: string, options: PullOptions = {}): Promise<Received[]> {
    const { max = 100, leaseSeconds = 0, waitMs = 5_000, retry } = options;
    const request: MessageInitShape<typeof PullRequestSchema> = {
      topic,
      channel,
      maxMessages: max,
      leaseSeconds,
      waitMs: BigInt(waitMs),
      ...(retry === undefined ? {} : { retry }),
    };
    const { deliveries } = await this.#rpc.call(Bus.method.pull, request, CALL_MS);
    const at = Date.now();
    return deliveries.map((delivery) => toReceived(delivery, at));
  }

  async ack(receipts: readonly string[]): Promise<Status[]> {
    return statusesOf(await this.#rpc.call(Bus.method.ack, { receipts: [...receipts] }, CALL_MS));
  }

  /** Without `delayMs` the retry policy says when. */
  async nack(receipts: readonly string[], delayMs?: number, unhandled = false): Promise<Status[]> {
    const delay = delayMs === undefined ? {} : { delayMs: BigInt(delayMs) };
    return statusesOf(await this.#rpc.call(Bus.method.nack, { receipts: [...receipts], unhandled, ...delay }, CALL_MS));
  }

  async extend(receipts: readonly string[], leaseSeconds: number): Promise<Status[]> {
    return statusesOf(await this.#rpc.call(Bus.method.extend, { receipts: [...receipts], leaseSeconds }, CALL_MS));
  }

  async reject(receipts: readonly string[], reason = ''): Promise<Status[]> {
    return statusesOf(await this.#rpc.call(Bus.method.reject, { receipts: [...receipts], reason }, CALL_MS));
  }

  async cancel(topic: string, id: string): Promise<void> {
    await this.#rpc.call(Bus.method.cancel, { topic, id }, CALL_MS);
  }

  /** Answers the new due time, in Unix milliseconds. */
  async reschedule(topic: string, id: string, delayMs: number): Promise<number> {
    const request = { topic, id, when: { case: 'delayMs', value: BigInt(delayMs) } } as const;
    return Number((await this.#rpc.call(Bus.method.reschedule, request, CALL_MS)).dueTimeMs);
  }

  close(): void {
    this.#rpc.close();
  }
}

function statusesOf({ results }: { readonly results: readonly SettleResult[] }): Status[] {
  return results.map(({ status }) => toStatus(status));
}
