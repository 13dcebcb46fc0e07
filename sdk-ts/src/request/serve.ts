import type { Body } from '../body.js';
import type { Bus } from '../bus.js';
import { RetryAfter, UnrecoverableError } from '../consumer/handler-errors.js';
import type { Subscription } from '../consumer/subscribe-options.js';
import { InvalidArgumentError } from '../errors.js';
import type { Message } from '../message.js';
import type { Responder, ServeOptions } from './options.js';
import { isRequest, reply, replyError } from './reply.js';

/** Subscribes, and replies to requests: see `Bus.serve`. */
export function serve(
  bus: Pick<Bus, 'publish' | 'subscribe'>,
  topic: string,
  channel: string,
  responder: Responder,
  options: ServeOptions = {},
): Subscription {
  return bus.subscribe(topic, channel, (message) => answer(bus, message, responder), options);
}

/**
 * Has a message handled, and the outcome sent to who asked:
 *
 *   returns            ─▶ reply       ─▶ ack
 *   throws RetryAfter  ─▶ nothing yet ─▶ nack
 *   throws Unrecoverable ─▶ error reply ─▶ dead letter
 *   throws otherwise   ─▶ error reply ─▶ ack: who asked knows, and decides
 *
 * The reply is durable before the request is settled. So a crash in between makes a second reply, which nobody waits for.
 */
export async function answer(bus: Pick<Bus, 'publish'>, message: Message, responder: Responder): Promise<void> {
  if (!isRequest(message)) {
    await responder(message);
    return;
  }
  let body: Body | undefined;
  try {
    body = await responder(message);
  } catch (error) {
    if (error instanceof RetryAfter) throw error;
    await answerWithError(bus, message, error);
    // Settled here, so that the error goes on to `onError` and whatever looks on, and changes nothing. An ack that is refused is told there too.
    if (!(error instanceof UnrecoverableError)) await message.ack().catch(() => {});
    throw error;
  }
  try {
    await reply(bus, message, body ?? '');
  } catch (error) {
    // The same answer is refused again whenever it is given.
    if (error instanceof InvalidArgumentError) await answerWithError(bus, message, error);
    throw error instanceof InvalidArgumentError ? unanswerable(error) : error;
  }
}

/** A request whose error cannot be published, where it wants its reply, is a dead letter: nobody would ever hear of it. */
async function answerWithError(bus: Pick<Bus, 'publish'>, message: Message, error: unknown): Promise<void> {
  try {
    await replyError(bus, message, error);
  } catch (refused) {
    throw refused instanceof InvalidArgumentError ? unanswerable(refused) : refused;
  }
}

function unanswerable(cause: Error): UnrecoverableError {
  return new UnrecoverableError(`the reply was refused: ${cause.message}`, { cause });
}
