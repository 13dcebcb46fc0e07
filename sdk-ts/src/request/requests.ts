import type { Body } from '../body.js';
import type { Bus } from '../bus.js';
import type { Subscription } from '../consumer/subscribe-options.js';
import { milliseconds } from '../duration.js';
import { ClosedError, DeadlineError } from '../errors.js';
import { batchId, IdMaker } from '../ids.js';
import type { Message } from '../message.js';
import type { MessageOptions } from '../publisher/outgoing.js';
import { AwaitedReply } from './awaited-reply.js';
import { CORRELATION_ID, REPLY_TO } from './headers.js';
import type { RequestOptions } from './options.js';
import { replyErrorOf } from './reply-error.js';

/** What of a bus requests are made with. */
export interface RequestPath {
  readonly publish: Bus['publish'];
  readonly subscribe: Bus['subscribe'];
  /** Removes the topic of the replies and what is left in it. May reject, as where this is not allowed: it is then left behind. */
  readonly removeTopic: (topic: string, timeoutMs: number) => Promise<void>;
}

const CHANNEL = 'replies';
const TOPIC_PREFIX = 'waybill.replies.';
const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 3_600_000;
const CREDIT = 1_000;
/** A gateway that does not answer must not hold up the end of the process. */
const REMOVE_WITHIN_MS = 1_000;

interface Replies {
  readonly topic: string;
  readonly subscription: Subscription;
}

/**
 * Requests and their replies, over two topics: the request's own, and one that all replies to this bus come by. That one is subscribed to
 * with the first request, and removed in the end. A reply that comes when nobody waits for it any more is dropped.
 */
export class Requests {
  readonly #path: RequestPath;
  readonly #ids = new IdMaker();
  readonly #awaited = new Map<string, AwaitedReply>();
  #replies: Replies | undefined;
  #closed = false;

  constructor(path: RequestPath) {
    this.#path = path;
  }

  async request(topic: string, body: Body, options: RequestOptions = {}): Promise<Message> {
    const { timeout = DEFAULT_TIMEOUT_MS, signal, ...message } = options;
    const timeoutMs = milliseconds(timeout, 'timeout', 1, MAX_TIMEOUT_MS);
    signal?.throwIfAborted();
    if (this.#closed) throw closed();
    const correlation = batchId(this.#ids.prefix(), 0);
    const id = message.id ?? correlation;
    const awaited = new AwaitedReply(topic, id, timeoutMs, signal, () => this.#awaited.delete(correlation));
    this.#awaited.set(correlation, awaited);
    this.#send(awaited, correlation, body, { ...message, id }).catch((error: unknown) => {
      if (error instanceof DeadlineError) awaited.tooLate(error);
      else awaited.fail(error);
    });
    return awaited.promise;
  }

  /** Requests that still wait reject with ClosedError. Never rejects. */
  async close(timeoutMs: number): Promise<void> {
    this.#closed = true;
    this.#failAll(closed());
    const replies = this.#replies;
    this.#replies = undefined;
    if (replies === undefined) return;
    const end = performance.now() + timeoutMs;
    await replies.subscription.stop({ timeout: timeoutMs });
    const leftMs = Math.max(1, Math.round(end - performance.now()));
    await this.#path.removeTopic(replies.topic, Math.min(REMOVE_WITHIN_MS, leftMs)).catch(() => {});
  }

  /** Sent when the replies can be heard: a request that nobody could be answered to is not made. */
  async #send(awaited: AwaitedReply, correlation: string, body: Body, message: MessageOptions): Promise<void> {
    const { topic, subscription } = this.#listen();
    await subscription.ready;
    if (!this.#awaited.has(correlation)) return;
    const headers = { ...message.headers, [REPLY_TO]: topic, [CORRELATION_ID]: correlation };
    const { leftMs } = awaited;
    const timed = message.ttl !== undefined || message.delay !== undefined || message.at !== undefined;
    await this.#path.publish(awaited.topic, body, {
      ...message,
      ...(timed ? {} : { ttl: leftMs }),
      headers,
      deadline: leftMs,
      ...(awaited.signal === undefined ? {} : { signal: awaited.signal }),
    });
  }

  #listen(): Replies {
    if (this.#replies !== undefined) return this.#replies;
    const topic = TOPIC_PREFIX + batchId(this.#ids.prefix(), 0);
    const subscription = this.#path.subscribe(topic, CHANNEL, (reply) => this.#arrived(reply), {
      credit: CREDIT,
      // Who waits for a reply is told by `closed`.
      onError: () => {},
    });
    const replies: Replies = { topic, subscription };
    this.#replies = replies;
    const ended = (error: unknown) => {
      if (this.#replies !== replies) return;
      this.#replies = undefined;
      this.#failAll(error);
    };
    subscription.closed.then(() => ended(closed()), ended);
    return replies;
  }

  #arrived(reply: Message): void {
    const awaited = this.#awaited.get(reply.headers[CORRELATION_ID] ?? '');
    if (awaited === undefined) return;
    const error = replyErrorOf(reply, awaited.messageId);
    if (error === undefined) awaited.succeed(reply);
    else awaited.fail(error);
  }

  #failAll(error: unknown): void {
    for (const awaited of this.#awaited.values()) awaited.fail(error);
  }
}

function closed(): ClosedError {
  return new ClosedError('the bus is closed');
}
