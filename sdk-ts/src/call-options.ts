import type { Body } from './body.js';
import type { Duration } from './duration.js';
import type { MessageOptions } from './publisher/outgoing.js';

export interface CallOptions {
  /** How long it may take with all tries. Default: the connection's `deadline`. */
  deadline?: Duration;
  /** Gives up waiting: rejects with the signal's reason. What was sent before may still be done. */
  signal?: AbortSignal;
}

export interface PublishOptions extends MessageOptions, CallOptions {}

/** A body with options of its own, in `publishMany`. */
export interface PublishItem extends MessageOptions {
  body: Body;
}
