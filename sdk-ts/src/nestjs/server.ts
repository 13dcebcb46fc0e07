import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import type { Body } from '../body.js';
import type { Bus, PublishOptions } from '../bus.js';
import type { Subscription } from '../consumer/subscribe-options.js';
import type { Duration } from '../duration.js';
import { invalidOption, WaybillError } from '../errors.js';
import type { Message } from '../message.js';
import { ReplyError } from '../request/reply-error.js';
import { answer } from '../request/serve.js';
import { WaybillContext } from './context.js';
import { eventFailure, requestFailure } from './failures.js';
import { handlerOptions, payloadReader, type WaybillHandlerOptions } from './handler-options.js';
import { bodyOf, headersOf } from './payload.js';
import { WAYBILL_TRANSPORT } from './tokens.js';

/** For every handler of the application, unless it says otherwise. */
export interface WaybillServerOptions extends WaybillHandlerOptions {
  /** What the application is called by the bus: its handlers' messages are this channel's, shared by all its processes. */
  channel: string;
  /** How long running handlers may take when the application stops. Default: 30 s. */
  stopTimeout?: Duration;
}

interface Route {
  readonly topic: string;
  readonly channel: string;
  readonly isEvent: boolean;
  readonly handler: MessageHandler<unknown, WaybillContext, unknown>;
  readonly options: WaybillHandlerOptions;
  readonly read: (message: Message) => unknown;
}

/**
 * Nest's transport over a bus: each pattern of a handler is a topic (or a pattern of topics, `orders.*`), subscribed to on the handler's channel.
 *
 * - `@EventPattern`, `@WaybillEvent`: acked when the handler, and the Observable that it may return, has ended; tried again by the channel's retry policy when it failed.
 * - `@MessagePattern`, `@WaybillRequest`: its value (of an Observable the last one) is the reply. An error is the reply too, and the request is not tried again.
 *
 * UnrecoverableError makes a dead letter of either, RetryAfter has it come again: see `WaybillFailures`.
 *
 * @example
 * const app = await NestFactory.createMicroservice(AppModule, {
 *   strategy: new WaybillServer(await connect(), { channel: 'billing' }),
 * });
 */
export class WaybillServer extends Server implements CustomTransportStrategy {
  override readonly transportId = WAYBILL_TRANSPORT;
  override readonly propagatesEventHandlerErrors = true;
  readonly #bus: Bus;
  readonly #options: WaybillServerOptions;
  readonly #routes = new Map<string, Route>();
  #subscriptions: Subscription[] = [];

  constructor(bus: Bus, options: WaybillServerOptions) {
    super();
    this.#bus = bus;
    this.#options = options;
  }

  /** Handlers of one topic on different channels are apart: each gets its own copy. Events of one channel go to all its handlers, and come again to all when one of them fails. */
  override addHandler(
    pattern: unknown,
    callback: MessageHandler<unknown, WaybillContext, unknown>,
    isEvent = false,
    extras: Record<string, unknown> = {},
  ): void {
    const topic = topicOf(pattern);
    const { stopTimeout: _, ...defaults } = this.#options;
    const options = { ...defaults, ...handlerOptions(topic, extras) };
    const { channel = this.#options.channel } = options;
    const key = `${topic} ${channel}`;
    callback.isEventHandler = isEvent;
    callback.extras = extras;
    const before = this.#routes.get(key);
    if (before === undefined) {
      this.#routes.set(key, { topic, channel, isEvent, handler: callback, options, read: payloadReader(options) });
      this.messageHandlers.set(key, callback);
      return;
    }
    if (!isEvent || !before.isEvent) {
      throw invalidOption('pattern', topic, `one handler on channel ${channel}, as it answers requests`);
    }
    const own = Object.keys(extras).find((name) => name !== 'channel');
    if (own !== undefined) {
      throw invalidOption(
        `option "${own}" of the handler of ${topic}`,
        extras[own],
        `none: another handler on channel ${channel} has said them`,
      );
    }
    lastOf(before.handler).next = callback;
  }

  /** Resolves when every channel keeps its messages: then `callback` is called, with an error when the bus refuses one. */
  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      for (const route of this.#routes.values()) this.#subscriptions.push(this.#subscribe(route));
      await Promise.all(this.#subscriptions.map(({ ready }) => ready));
    } catch (error) {
      await this.close();
      callback(error);
      return;
    }
    this._status$.next('connected');
    callback();
  }

  /** Takes no more messages, lets running handlers finish, and has what they settled confirmed. The bus stays open. Safe twice. */
  async close(): Promise<void> {
    const subscriptions = this.#subscriptions;
    this.#subscriptions = [];
    const { stopTimeout: timeout } = this.#options;
    const options = timeout === undefined ? {} : { timeout };
    await Promise.all(subscriptions.map((subscription) => subscription.stop(options)));
    if (subscriptions.length > 0) this._status$.next('disconnected');
  }

  /** A bus has no events of its own: its `status` tells what there is to know. */
  override on(event: string): never {
    throw invalidOption('event', event, 'none: look at status');
  }

  /** The bus. The type is the caller's to vouch for, as everywhere in Nest. */
  override unwrap<T = Bus>(): T;
  override unwrap(): Bus {
    return this.#bus;
  }

  #subscribe(route: Route): Subscription {
    const { topic, channel, options } = route;
    const { channel: _, codec: __, ...subscribe } = options;
    const onError = (error: unknown, message?: Message) => this.#told(error, message);
    if (route.isEvent) {
      return this.#bus.subscribe(topic, channel, (message) => this.#event(route, message), { ...subscribe, onError });
    }
    const handle = (message: Message) =>
      answer(this.#bus, message, (request) => this.#request(route, request), replyOptions);
    // What became of the reply settles a request.
    return this.#bus.subscribe(topic, channel, handle, { ...subscribe, settle: 'auto', onError });
  }

  async #event(route: Route, message: Message): Promise<void> {
    const context = new WaybillContext([message, route.channel]);
    const payload = await route.read(message);
    try {
      await this.#run(route, payload, context);
    } catch (error) {
      throw eventFailure(context, error);
    }
  }

  async #request(route: Route, message: Message): Promise<Body> {
    const context = new WaybillContext([message, route.channel]);
    const payload = await route.read(message);
    try {
      return bodyOf(await this.#run(route, payload, context));
    } catch (error) {
      throw requestFailure(context, error);
    }
  }

  /** Between Nest's hooks for instrumentation. */
  #run({ handler }: Route, payload: unknown, context: WaybillContext): Promise<unknown> {
    const call = async () =>
      lastValueFrom(this.transformToObservable(await handler(payload, context)), { defaultValue: undefined });
    return new Promise((resolve, reject) => {
      this.onProcessingStartHook(this.transportId, context, async () => {
        try {
          resolve(await call());
        } catch (error) {
          reject(error);
        } finally {
          this.onProcessingEndHook?.(this.transportId, context);
        }
      });
    });
  }

  /** Nest logs what handlers throw; the rest is told here. */
  #told(error: unknown, message: Message | undefined): void {
    if (message !== undefined && (!(error instanceof WaybillError) || error instanceof ReplyError)) return;
    const about = message === undefined ? '' : `${message.topic} ${message.id}: `;
    this.logger.warn(`${about}${error instanceof Error ? error.message : String(error)}`);
  }
}

const TOPIC = /^[A-Za-z0-9._:@*#-]{1,128}$/;

function topicOf(pattern: unknown): string {
  if (typeof pattern === 'string' && TOPIC.test(pattern)) return pattern;
  throw invalidOption('pattern', pattern, 'a topic, or a pattern of topics: 1 to 128 of A-Z a-z 0-9 . _ : @ - * #');
}

function replyOptions(body: Body): PublishOptions {
  return { headers: headersOf(body) };
}

function lastOf(handler: MessageHandler): MessageHandler {
  let last = handler;
  while (last.next !== undefined) last = last.next;
  return last;
}
