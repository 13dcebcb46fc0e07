import { verdict } from '../consumer/verdict.js';
import type { Message, Settlement } from '../message.js';
import type { SubscriptionInfo } from './middleware.js';

/** What becomes of a message after its handler: settled so, or left to be settled by hand later. */
export type Outcome = Settlement | 'left';

/** After the handler returned. */
export function outcomeOf(message: Message, { settle }: SubscriptionInfo): Outcome {
  return message.settledBy ?? (settle === 'auto' ? 'ack' : 'left');
}

/** After the handler, or what is around it, threw. */
export function outcomeOfError(message: Message, error: unknown): Outcome {
  return message.settledBy ?? verdict(error).kind;
}
