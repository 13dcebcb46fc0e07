import type { Bus } from '../bus.js';
import type { CallOptions, PublishItem, PublishOptions } from '../call-options.js';
import type { Codec } from '../codec/codec.js';
import { schemaCodec } from '../codec/schema.js';
import type { StandardSchema } from '../codec/standard-schema.js';
import type { BatchOptions } from '../consumer/batch-options.js';
import type { PullOptions } from '../consumer/pull-options.js';
import type { SubscribeOptions, Subscription } from '../consumer/subscribe-options.js';
import { verdict } from '../consumer/verdict.js';
import type { Duration } from '../duration.js';
import { InvalidArgumentError } from '../errors.js';
import type { Message } from '../message.js';
import type { Middleware } from '../middleware/middleware.js';
import { MESSAGE_OPTIONS, type MessageOptions } from '../publisher/outgoing.js';
import type { Published } from '../publisher/pending.js';
import type { Received, Topic, TopicBatchHandler, TopicHandler, TopicItem } from './topic.js';

/** A typed topic of any bus: it stands on the methods of `Bus` alone. */
export function topicOf<In, Out>(
  bus: Bus,
  name: string,
  codec: Codec<In, Out> | StandardSchema<In, Out>,
): Topic<In, Out> {
  return new BusTopic(bus, name, '~standard' in codec ? schemaCodec(codec) : codec);
}

class BusTopic<In, Out> implements Topic<In, Out> {
  readonly name: string;
  readonly #bus: Bus;
  readonly #codec: Codec<In, Out>;
  /** What is published without options of its own. */
  readonly #plain: MessageOptions;

  constructor(bus: Bus, name: string, codec: Codec<In, Out>) {
    this.name = name;
    this.#bus = bus;
    this.#codec = codec;
    this.#plain = codec.contentType === '' ? {} : { headers: { 'content-type': codec.contentType } };
  }

  // Not async: that would cost every publish a second promise.
  publish(value: In, options?: PublishOptions): Promise<Published> {
    try {
      const body = this.#codec.encode(value);
      const typed = this.#typed(options);
      if (!(body instanceof Promise)) return this.#bus.publish(this.name, body, typed);
      return body.then((encoded) => this.#bus.publish(this.name, encoded, typed));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async publishMany(values: Iterable<In>, options?: CallOptions): Promise<Published[]> {
    return this.publishItems(
      Array.from(values, (value) => ({ value })),
      options,
    );
  }

  async publishItems(items: Iterable<TopicItem<In>>, options?: CallOptions): Promise<Published[]> {
    const encoded: PublishItem[] = [];
    for (const { value, ...own } of items) {
      requireOptions(own);
      const body = this.#codec.encode(value);
      encoded.push({ ...this.#typed(own), body: body instanceof Promise ? await body : body });
    }
    return this.#bus.publishMany(this.name, encoded, options);
  }

  subscribe(channel: string, handler: TopicHandler<Out>, options?: SubscribeOptions): Subscription {
    const handle = (message: Message) => {
      const value = this.#decode(message);
      return value instanceof Promise ? value.then((decoded) => handler(decoded, message)) : handler(value, message);
    };
    return this.#bus.subscribe(this.name, channel, handle, options);
  }

  /** Decoding is the innermost middleware here: it comes before the batch, so that one bad payload does not touch the others. */
  subscribeBatch(channel: string, handler: TopicBatchHandler<Out>, options: BatchOptions = {}): Subscription {
    const decoded = new WeakMap<Message, Received<Out>>();
    const decode: Middleware = async (message, next) => {
      decoded.set(message, { value: await this.#decode(message), message });
      return next();
    };
    const handle = (messages: readonly Message[]) =>
      handler(messages.map((message) => decoded.get(message)).filter((received) => received !== undefined));
    const middleware = [...(options.middleware ?? []), decode];
    return this.#bus.subscribeBatch(this.name, channel, handle, { ...options, middleware });
  }

  async *pull(channel: string, options?: PullOptions): AsyncGenerator<Received<Out>, void, undefined> {
    for await (const message of this.#bus.pull(this.name, channel, options)) {
      let received: Received<Out>;
      try {
        received = { value: await this.#decode(message), message };
      } catch (error) {
        await giveUp(message, error);
        continue;
      }
      yield received;
    }
  }

  cancel(id: string, options?: CallOptions): Promise<void> {
    return this.#bus.cancel(this.name, id, options);
  }

  reschedule(id: string, when: { delay: Duration } | { at: Date }, options?: CallOptions): Promise<Date> {
    return this.#bus.reschedule(this.name, id, when, options);
  }

  #decode(message: Message): Out | Promise<Out> {
    return this.#codec.decode(message.body, message.headers);
  }

  #typed<Options extends MessageOptions>(options: Options | undefined): Options | MessageOptions {
    if (options === undefined) return this.#plain;
    const { headers } = options;
    if (headers === undefined) return { ...options, ...this.#plain };
    const given = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type');
    return given ? options : { ...options, headers: { ...headers, ...this.#plain.headers } };
  }
}

// The bus would take an item with another name for a body.
function requireOptions(options: object): void {
  const unknown = Object.keys(options).find((name) => !MESSAGE_OPTIONS.has(name));
  if (unknown === undefined) return;
  const limit = `value, ${[...MESSAGE_OPTIONS].join(', ')}`;
  throw new InvalidArgumentError(`an item has "${unknown}": it takes ${limit}`, {
    code: 'INVALID_ARGUMENT',
    reason: 'OPTION_INVALID',
    field: unknown,
    limit,
  });
}

/** Does to the message what a handler's error would. When that fails too, its lease runs out, and it comes again. */
async function giveUp(message: Message, error: unknown): Promise<void> {
  const judged = verdict(error);
  switch (judged.kind) {
    case 'reject':
      await message.reject(judged.reason).catch(() => {});
      return;
    case 'nack': {
      const { delayMs, reason } = judged;
      await message.nack(delayMs === undefined ? { reason } : { reason, delay: delayMs }).catch(() => {});
      return;
    }
  }
}
