import { count } from '../options.js';
import type { Delivered } from './delivered.js';
import type { Handler } from './handler.js';
import type { SubscribeOptions } from './subscribe-options.js';

/** What a subscription does with its messages. */
export interface Work {
  /** The most messages at a time. */
  readonly concurrency: number;
  /** Settles when the message is through; what it throws or rejects with is judged as a handler's error. */
  readonly handle: (message: Delivered) => unknown;
  /** Nothing more comes, so nothing is to wait for more. Safe twice. */
  close(): void;
}

/** One call of the handler for each message. Throws InvalidArgumentError for a concurrency out of range. */
export function oneByOne(handler: Handler, options: SubscribeOptions): Work {
  return { concurrency: count(options.concurrency ?? 1, 'concurrency', 1), handle: handler, close() {} };
}
