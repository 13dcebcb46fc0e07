import type { Body } from '../body.js';
import type { Bus, PublishOptions } from '../bus.js';
import { InvalidArgumentError } from '../errors.js';
import type { Message } from '../message.js';
import type { Published } from '../publisher/pending.js';
import { CORRELATION_ID, ERROR, REPLY_TO, TRACE_CONTEXT } from './headers.js';
import { ReplyError } from './reply-error.js';

/** A reply that nobody fetches goes by itself. */
const REPLY_TTL_MS = 3_600_000;
/** Headers of a message have room for more, but not for everything that an error may say. */
const MAX_ERROR_LENGTH = 1_024;

/** Whether somebody waits for a reply to this message. */
export function isRequest(message: Message): boolean {
  return message.headers[REPLY_TO] !== undefined && message.headers[CORRELATION_ID] !== undefined;
}

/** Publishes the reply to a request: see `Bus.reply`. */
export async function reply(
  bus: Pick<Bus, 'publish'>,
  request: Message,
  body: Body,
  options: PublishOptions = {},
): Promise<Published> {
  const { [REPLY_TO]: topic, [CORRELATION_ID]: correlation } = request.headers;
  if (topic === undefined || correlation === undefined) throw notARequest(request);
  const headers: Record<string, string> = { ...options.headers, [CORRELATION_ID]: correlation };
  if (headers.traceparent === undefined) {
    for (const name of TRACE_CONTEXT) {
      const value = request.headers[name];
      if (value !== undefined) headers[name] = value;
    }
  }
  return bus.publish(topic, body, { ttl: REPLY_TTL_MS, ...options, headers });
}

/** Answers a request with an error, which its `request` rejects with. */
export function replyError(bus: Pick<Bus, 'publish'>, request: Message, error: unknown): Promise<Published> {
  const text = error instanceof Error ? error.message || error.name : String(error);
  const details = error instanceof ReplyError ? error.details : undefined;
  const headers = { [ERROR]: text.slice(0, MAX_ERROR_LENGTH) };
  if (details === undefined) return reply(bus, request, '', { headers });
  // A text is JSON here too: bare it could not be told from JSON.
  return reply(bus, request, JSON.stringify(details), { headers: { ...headers, 'content-type': 'application/json' } });
}

function notARequest(message: Message): InvalidArgumentError {
  return new InvalidArgumentError(`the message ${message.id} is not a request: it has no header ${REPLY_TO}`, {
    code: 'INVALID_ARGUMENT',
    reason: 'NOT_A_REQUEST',
    field: 'request',
    limit: 'a message that was sent as a request',
  });
}
