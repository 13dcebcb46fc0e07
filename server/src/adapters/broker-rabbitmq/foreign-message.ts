import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { ConsumeMessage } from 'amqplib';
import {
  MAX_HEADER_NAME_LENGTH,
  MAX_HEADERS,
  MAX_HEADERS_BYTES,
  MAX_ID_LENGTH,
  type Message,
} from '../../model/message.js';
import { isVisibleAscii } from '../../model/message-codec.js';
import { isPattern } from '../../model/topic.js';
import { isTopic, MessageWriter } from './message-writer.js';
import { isReserved } from './plain-message.js';

/** The topic of a message whose routing key can't be one, on a channel that has a pattern. */
const NO_TOPIC = 'amqp.invalid-topic';

/**
 * A message that another program published to the exchange or to a channel's queue.
 *
 * - Its id is its message id; without a valid one, it is derived from content, properties and routing key, so that a
 *   redelivery has it again. Two messages that are the same in all of these count as one message to the ledger: whoever
 *   publishes such messages should give them ids.
 * - Its topic is its routing key, or the channel's own topic, or `amqp.invalid-topic`.
 * - Headers keep their names; values that are no texts become texts. What breaks the bus's limits is left out.
 */
export function fromForeign(message: ConsumeMessage, channelTopic: string): Message {
  const { properties, content } = message;
  const headers = readHeaders(properties.headers ?? {});
  const contentType: unknown = properties.contentType;
  if (typeof contentType === 'string' && !headers.has('content-type')) headers.set('content-type', contentType);
  const id: unknown = properties.messageId;
  const known = typeof id === 'string' && isVisibleAscii(id, MAX_ID_LENGTH);
  const seconds: unknown = properties.timestamp;
  const writer = new MessageWriter(
    known ? id : derivedId(message, headers),
    topicOf(message, channelTopic),
    content,
    '',
    typeof seconds === 'number' && isPast(seconds * 1000) ? seconds * 1000 : Date.now(),
    0,
  );
  for (const [name, value] of headers) writer.header(name, value);
  return writer.end();
}

/** A frame whose bytes are no frame: one message that has them as its body, for somebody to look at. */
export function fromUnreadable(message: ConsumeMessage, channelTopic: string): Message {
  const id = derivedId(message, NO_HEADERS);
  return new MessageWriter(id, topicOf(message, channelTopic), message.content, '', Date.now(), 0).end();
}

const NO_HEADERS: ReadonlyMap<string, string> = new Map();

function topicOf({ fields }: ConsumeMessage, channelTopic: string): string {
  // What came by the default exchange has the queue's name for a key.
  if (fields.exchange !== '' && isTopic(fields.routingKey)) return fields.routingKey;
  return isPattern(channelTopic) ? NO_TOPIC : channelTopic;
}

/** Of nothing that changes when the message is delivered again, as the broker's own headers do. */
function derivedId({ properties, content, fields }: ConsumeMessage, headers: ReadonlyMap<string, string>): string {
  const { messageId, timestamp, correlationId, replyTo, type, appId, contentType } = properties;
  const rest: unknown[] = [messageId, timestamp, correlationId, replyTo, type, appId, contentType];
  const hash = createHash('sha256').update(content);
  hash.update(JSON.stringify([fields.exchange, fields.routingKey, rest, [...headers]]));
  return `amqp-${hash.digest('hex')}`;
}

function readHeaders(table: Readonly<Record<string, unknown>>): Map<string, string> {
  const headers = new Map<string, string>();
  let bytes = 0;
  for (const [name, value] of Object.entries(table)) {
    if (isReserved(name) || !isVisibleAscii(name, MAX_HEADER_NAME_LENGTH)) continue;
    const text = asText(value);
    // 10: what a header costs on the wire besides its texts, at most.
    const size = name.length + Buffer.byteLength(text) + 10;
    // One place stays free for the content type.
    if (headers.size === MAX_HEADERS - 1 || bytes + size > MAX_HEADERS_BYTES) continue;
    bytes += size;
    headers.set(name, text);
  }
  return headers;
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Buffer.isBuffer(value)) return isUtf8(value) ? value.toString('utf8') : value.toString('base64');
  // Tables, arrays, decimals and times; JSON has no words for infinity and the like, and says null.
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function isPast(time: number): boolean {
  return Number.isSafeInteger(time) && time > 0 && time <= Date.now();
}
