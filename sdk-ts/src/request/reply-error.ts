import { WaybillError } from '../errors.js';
import type { Message } from '../message.js';
import { ERROR } from './headers.js';

/**
 * The answer to a request is an error. `request` rejects with it; a handler of `serve` may throw one to give `details` along.
 *
 * @example
 * throw new ReplyError('sold out', { article: 7, back: '2030-01-01' });
 */
export class ReplyError extends WaybillError {
  override readonly name: string = 'ReplyError';
  /** What the other side says beyond the message: any value that JSON can hold. */
  readonly details: unknown;

  constructor(message: string, details?: unknown, options: { cause?: unknown; messageId?: string } = {}) {
    super(message, { code: 'UNKNOWN', reason: 'REPLY_ERROR', ...options });
    this.details = details;
  }
}

/** The error that a reply carries; undefined for one that carries none. `requestId` is the id of the request's message. */
export function replyErrorOf(reply: Message, requestId: string): ReplyError | undefined {
  const text = reply.headers[ERROR];
  if (text === undefined) return undefined;
  return new ReplyError(text, detailsOf(reply), { messageId: requestId });
}

function detailsOf(reply: Message): unknown {
  if (reply.body.length === 0) return undefined;
  try {
    return reply.json();
  } catch {
    return reply.text();
  }
}
