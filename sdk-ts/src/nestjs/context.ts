import { BaseRpcContext } from '@nestjs/microservices';
import type { Duration } from '../duration.js';
import type { Message, NackOptions } from '../message.js';

/**
 * What `@Ctx()` gives a handler: the message, and its settling. A handler that settles nothing itself acks by returning and nacks by throwing.
 *
 * @example
 * @WaybillEvent('orders')
 * async charge(@Payload() order: Order, @Ctx() context: WaybillContext) {
 *   await context.extend('10m');
 * }
 */
export class WaybillContext extends BaseRpcContext<[message: Message, channel: string]> {
  #failure: unknown;

  getMessage(): Message {
    return this.args[0];
  }

  /** The topic that the message was published to, also where the handler's pattern is one of many topics. */
  getTopic(): string {
    return this.args[0].topic;
  }

  getChannel(): string {
    return this.args[1];
  }

  /** Aborted when the message is not this consumer's any more: see `Message.signal`. */
  get signal(): AbortSignal {
    return this.args[0].signal;
  }

  /** Done: see `Message.ack`. */
  ack(): Promise<void> {
    return this.args[0].ack();
  }

  /** Not done, try again: see `Message.nack`. */
  nack(options?: NackOptions): Promise<void> {
    return this.args[0].nack(options);
  }

  /** More time: see `Message.extend`. */
  extend(lease?: Duration): Promise<void> {
    return this.args[0].extend(lease);
  }

  /** Never to be done, a dead letter: see `Message.reject`. */
  reject(reason?: string): Promise<void> {
    return this.args[0].reject(reason);
  }

  /** What the handler threw, before the application's exception filters made something else of it. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Remembers what the handler threw. */
  failed(error: unknown): void {
    this.#failure = error;
  }
}
