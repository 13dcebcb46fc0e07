import type { Attributes } from '@opentelemetry/api';
import type { Message } from '../message.js';
import { REPLY_TOPIC_PREFIX } from '../request/headers.js';

/*
 * Names of OpenTelemetry's semantic conventions for messaging, version 1.45, and of this bus (`waybill.`). They are written out, as the conventions
 * ask of instrumentations while these names are in development.
 */
export const SYSTEM = 'messaging.system';
export const OPERATION_NAME = 'messaging.operation.name';
export const OPERATION_TYPE = 'messaging.operation.type';
export const DESTINATION = 'messaging.destination.name';
export const DESTINATION_TEMPORARY = 'messaging.destination.temporary';
export const DESTINATION_TEMPLATE = 'messaging.destination.template';
export const SUBSCRIPTION = 'messaging.destination.subscription.name';
export const CONSUMER_GROUP = 'messaging.consumer.group.name';
export const MESSAGE_ID = 'messaging.message.id';
export const BODY_SIZE = 'messaging.message.body.size';
export const CONVERSATION_ID = 'messaging.message.conversation_id';
export const MESSAGE_COUNT = 'messaging.batch.message_count';
export const ERROR_TYPE = 'error.type';
export const OUTCOME = 'waybill.publish.outcome';
export const KEY = 'waybill.message.key';
export const ATTEMPT = 'waybill.message.attempt';
export const SETTLEMENT = 'waybill.settlement';

/** What is done, as the conventions class it, and what it is called here. */
export type Operation =
  | { readonly type: 'send'; readonly name: 'publish' | 'request' }
  | { readonly type: 'receive'; readonly name: 'pull' }
  | { readonly type: 'process'; readonly name: 'process' }
  | { readonly type: 'settle'; readonly name: Settle };

export type Settle = 'ack' | 'nack' | 'extend' | 'reject';

/** The few attributes that metrics have too: each of their values makes a time series. */
export function operationAttributes({ type, name }: Operation, topic?: string, channel?: string): Attributes {
  const attributes: Attributes = { [SYSTEM]: 'waybill', [OPERATION_NAME]: name, [OPERATION_TYPE]: type };
  if (topic !== undefined) {
    // The topics of replies are as many as there are clients.
    if (isTemporary(topic)) attributes[DESTINATION_TEMPORARY] = true;
    else attributes[DESTINATION] = topic;
  }
  if (channel !== undefined) {
    attributes[SUBSCRIPTION] = channel;
    attributes[CONSUMER_GROUP] = channel;
  }
  return attributes;
}

export function messageAttributes(message: Message): Attributes {
  const attributes: Attributes = {
    [MESSAGE_ID]: message.id,
    [BODY_SIZE]: message.body.length,
    [ATTEMPT]: message.attempt,
  };
  if (message.key !== '') attributes[KEY] = message.key;
  return attributes;
}

/** `publish orders`, as the conventions name spans. */
export function spanName({ name }: Operation, topic: string | undefined): string {
  if (topic === undefined) return name;
  return `${name} ${isTemporary(topic) ? '(temporary)' : topic}`;
}

function isTemporary(topic: string): boolean {
  return topic.startsWith(REPLY_TOPIC_PREFIX);
}

/** The class of an error, or the status that the bus gave. */
export function errorType(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
