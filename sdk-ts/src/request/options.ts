import type { Body } from '../body.js';
import type { SubscribeOptions } from '../consumer/subscribe-options.js';
import type { Duration } from '../duration.js';
import type { Message } from '../message.js';
import type { MessageOptions } from '../publisher/outgoing.js';

export interface RequestOptions extends MessageOptions {
  /** The longest wait for the reply: 1 ms to 1 h. The request itself expires by then, unless it has a `ttl`, `delay` or `at`. Default: 10 s. */
  timeout?: Duration;
  /** Gives up waiting: rejects with the signal's reason. The request may still be answered, to nobody. */
  signal?: AbortSignal;
}

/** What answers requests: the reply's body, or a promise of it. `undefined` is an empty body. */
export type Responder = (message: Message) => Body | undefined | Promise<Body | undefined>;

/** A message that is served is settled by what became of its reply. */
export type ServeOptions = Omit<SubscribeOptions, 'settle'>;
