import type { Span } from '@opentelemetry/api';
import type { Body } from '../body.js';
import type { Bus, SettleResult } from '../bus.js';
import type { CallOptions, PublishItem, PublishOptions } from '../call-options.js';
import type { Codec } from '../codec/codec.js';
import type { StandardSchema } from '../codec/standard-schema.js';
import type { BatchOptions } from '../consumer/batch-options.js';
import type { BatchHandler, Handler } from '../consumer/handler.js';
import type { PullOptions } from '../consumer/pull-options.js';
import type { SubscribeOptions, Subscription } from '../consumer/subscribe-options.js';
import type { Duration } from '../duration.js';
import type { Lock, LockOptions, LockScope } from '../lock/lock.js';
import type { Message, NackOptions } from '../message.js';
import type { Middleware } from '../middleware/middleware.js';
import type { Published } from '../publisher/pending.js';
import { isItem } from '../publisher/publish-many.js';
import { CORRELATION_ID } from '../request/headers.js';
import type { RequestOptions, Responder, ServeOptions } from '../request/options.js';
import { reply } from '../request/reply.js';
import { serve } from '../request/serve.js';
import { topicOf } from '../topic/bus-topic.js';
import type { Topic } from '../topic/topic.js';
import {
  CONVERSATION_ID,
  KEY,
  MESSAGE_COUNT,
  MESSAGE_ID,
  messageAttributes,
  type Operation,
  OUTCOME,
  type Settle,
} from './attributes.js';
import { type Instruments, SpanKind } from './instruments.js';
import { processing } from './processing.js';
import { traceSettling } from './settling.js';
import { hasTraceContext, linksTo, withTraceContext } from './trace-context.js';

const PUBLISH: Operation = { type: 'send', name: 'publish' };
const REQUEST: Operation = { type: 'send', name: 'request' };
const PULL: Operation = { type: 'receive', name: 'pull' };

/** Any bus, with spans and metrics around what it does. */
export class InstrumentedBus implements Bus {
  readonly #bus: Bus;
  readonly #instruments: Instruments;
  readonly #processing: Middleware;
  /** A reply goes on with the span that answers, instead of the request's own. */
  readonly #answering: Pick<Bus, 'publish' | 'subscribe'>;

  constructor(bus: Bus, instruments: Instruments) {
    this.#bus = bus;
    this.#instruments = instruments;
    this.#processing = processing(instruments);
    this.#answering = {
      publish: (topic, body, options) => this.#publish(topic, body, options, true),
      subscribe: (topic, channel, handler, options) => this.subscribe(topic, channel, handler, options),
    };
  }

  publish(topic: string, body: Body, options?: PublishOptions): Promise<Published> {
    return this.#publish(topic, body, options, false);
  }

  async publishMany(topic: string, items: Iterable<Body | PublishItem>, options?: CallOptions): Promise<Published[]> {
    const all = Array.from(items);
    const measured = {
      operation: PUBLISH,
      kind: SpanKind.PRODUCER,
      topic,
      attributes: { [MESSAGE_COUNT]: all.length },
    };
    return this.#sent(PUBLISH, topic, all.length, () =>
      this.#instruments.measure(measured, () => {
        const traced = all.map((item) => {
          const own = isItem(item) ? item : { body: item };
          return hasTraceContext(own.headers) ? own : { ...own, headers: withTraceContext(own.headers) };
        });
        return this.#bus.publishMany(topic, traced, options);
      }),
    );
  }

  subscribe(topic: string, channel: string, handler: Handler, options?: SubscribeOptions): Subscription {
    return this.#bus.subscribe(topic, channel, handler, this.#traced(options));
  }

  subscribeBatch(topic: string, channel: string, handler: BatchHandler, options?: BatchOptions): Subscription {
    return this.#bus.subscribeBatch(topic, channel, handler, this.#traced(options));
  }

  topic<In, Out>(name: string, codec: Codec<In, Out> | StandardSchema<In, Out>): Topic<In, Out> {
    return topicOf(this, name, codec);
  }

  async *pull(topic: string, channel: string, options?: PullOptions): AsyncGenerator<Message, void, undefined> {
    let asked = Date.now();
    for await (const message of this.#bus.pull(topic, channel, options)) {
      const about = { channel, links: linksTo(message) };
      const attributes = messageAttributes(message);
      const measured = { operation: PULL, kind: SpanKind.CLIENT, topic: message.topic, attributes, ...about };
      this.#instruments.record(measured, asked, Date.now());
      this.#instruments.consumed(PULL, message.topic, channel);
      traceSettling(this.#instruments, message, about);
      yield message;
      asked = Date.now();
    }
  }

  ack(receipts: string | readonly string[], options?: CallOptions): Promise<SettleResult[]> {
    return this.#settle('ack', receipts, () => this.#bus.ack(receipts, options));
  }

  nack(receipts: string | readonly string[], options?: CallOptions & NackOptions): Promise<SettleResult[]> {
    return this.#settle('nack', receipts, () => this.#bus.nack(receipts, options));
  }

  extend(receipts: string | readonly string[], options?: CallOptions & { lease?: Duration }): Promise<SettleResult[]> {
    return this.#settle('extend', receipts, () => this.#bus.extend(receipts, options));
  }

  reject(receipts: string | readonly string[], options?: CallOptions & { reason?: string }): Promise<SettleResult[]> {
    return this.#settle('reject', receipts, () => this.#bus.reject(receipts, options));
  }

  cancel(topic: string, id: string, options?: CallOptions): Promise<void> {
    return this.#bus.cancel(topic, id, options);
  }

  reschedule(
    topic: string,
    id: string,
    when: { delay: Duration } | { at: Date },
    options?: CallOptions,
  ): Promise<Date> {
    return this.#bus.reschedule(topic, id, when, options);
  }

  request(topic: string, body: Body, options: RequestOptions = {}): Promise<Message> {
    const measured = { operation: REQUEST, kind: SpanKind.CLIENT, topic };
    return this.#sent(REQUEST, topic, 1, () =>
      this.#instruments.measure(measured, async (span) => {
        const headers = hasTraceContext(options.headers) ? options.headers : withTraceContext(options.headers);
        const answered = await this.#bus.request(
          topic,
          body,
          headers === undefined ? options : { ...options, headers },
        );
        span.setAttribute(CONVERSATION_ID, answered.headers[CORRELATION_ID] ?? '');
        return answered;
      }),
    );
  }

  reply(request: Message, body: Body, options?: PublishOptions): Promise<Published> {
    return reply(this.#answering, request, body, options);
  }

  serve(topic: string, channel: string, responder: Responder, options?: ServeOptions): Subscription {
    return serve(this.#answering, topic, channel, responder, options);
  }

  withLock<T>(name: string, ttl: Duration, fn: (lock: LockScope) => T | Promise<T>, options?: LockOptions): Promise<T> {
    return this.#bus.withLock(name, ttl, fn, options);
  }

  lock(name: string, ttl: Duration, options?: LockOptions): Promise<Lock> {
    return this.#bus.lock(name, ttl, options);
  }

  ping(options?: CallOptions): Promise<void> {
    return this.#bus.ping(options);
  }

  close(options?: { timeout?: Duration }): Promise<void> {
    return this.#bus.close(options);
  }

  #publish(topic: string, body: Body, options: PublishOptions = {}, replaces: boolean): Promise<Published> {
    const key = options.key === undefined ? {} : { [KEY]: options.key };
    const measured = { operation: PUBLISH, kind: SpanKind.PRODUCER, topic, attributes: key };
    const publish = async (span: Span) => {
      const keeps = hasTraceContext(options.headers) && !replaces;
      const headers = keeps ? options.headers : withTraceContext(options.headers);
      const published = await this.#bus.publish(topic, body, headers === undefined ? options : { ...options, headers });
      span.setAttributes({ [MESSAGE_ID]: published.id, [OUTCOME]: published.outcome });
      return published;
    };
    return this.#sent(PUBLISH, topic, 1, () => this.#instruments.measure(measured, publish));
  }

  async #sent<T>(operation: Operation, topic: string, count: number, send: () => Promise<T>): Promise<T> {
    let failure: unknown;
    try {
      return await send();
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      this.#instruments.sent(operation, topic, count, failure);
    }
  }

  #settle(
    name: Settle,
    receipts: string | readonly string[],
    call: () => Promise<SettleResult[]>,
  ): Promise<SettleResult[]> {
    const count = typeof receipts === 'string' ? 1 : receipts.length;
    const attributes = count === 1 ? {} : { [MESSAGE_COUNT]: count };
    return this.#instruments.measure({ operation: { type: 'settle', name }, kind: SpanKind.CLIENT, attributes }, call);
  }

  /** Outermost: what other middleware logs has the span's ids. */
  #traced<Options extends SubscribeOptions>(options?: Options): Options | SubscribeOptions {
    return { ...options, middleware: [this.#processing, ...(options?.middleware ?? [])] };
  }
}
