import type { Duration } from './duration.js';

/** What was called to settle a message. */
export interface NackOptions {
  /** Until it is delivered again, 0 to 10 years. Default: the retry policy's. */
  readonly delay?: Duration;
  /** For the ledger, cut at 1,024 characters. */
  readonly reason?: string;
  /** Nobody has begun with it: this counts as no attempt, and by default it is due at once. */
  readonly unhandled?: boolean;
}

export type Settlement = 'ack' | 'nack' | 'reject';

/** A message, handed to one consumer of one channel under a lease. */
export interface Message {
  readonly id: string;
  /** The topic that it was published to, also where the subscription is a pattern. */
  readonly topic: string;
  /** What it is about; empty when its publisher gave none. */
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** 1 for the first delivery on this channel, 2 after one retry, and so on. */
  readonly attempt: number;
  /** When the gateway accepted it. */
  readonly publishedAt: Date;
  /** When it must have been settled or extended, by the gateway's clock. It moves when the lease is extended. */
  readonly leaseDeadline: Date;
  /** Names this delivery: any process may settle it with `bus.ack(receipt)` and its like. */
  readonly receipt: string;
  /** Aborted when the message is not this consumer's any more: its lease was lost, or the subscription has stopped. What goes on after that may run twice. */
  readonly signal: AbortSignal;
  /** How it was settled here, whether or not that is confirmed yet; undefined as long as it was not. */
  readonly settledBy: Settlement | undefined;
  /** The body as UTF-8 text. */
  text(): string;
  /** The body as JSON; throws SyntaxError when it is none. The type is yours to vouch for. */
  json<T = unknown>(): T;
  /** Done. Resolves when that is durable: this channel never delivers the message again. Rejects with StaleReceiptError when it came too late. */
  ack(): Promise<void>;
  /** Not done: deliver it again, after `delay`, or as the retry policy says. Rejects as `ack` does. */
  nack(options?: NackOptions): Promise<void>;
  /** More time: the lease ends `lease` from now (1 s to 24 h, whole seconds). Default: the subscription's own. May be called again and again. Rejects as `ack` does. */
  extend(lease?: Duration): Promise<void>;
  /** Never to be done: a dead letter at once, body kept. `reason` is for the ledger, cut at 1,024 characters. Rejects as `ack` does. */
  reject(reason?: string): Promise<void>;
}
