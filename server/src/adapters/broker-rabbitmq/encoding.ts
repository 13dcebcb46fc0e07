import type { ConsumeMessage, Options } from 'amqplib';
import { decodeFrame, encodeFrame } from '../../model/frame-codec.js';
import type { Frame, Message } from '../../model/message.js';
import { fromForeign, fromUnreadable } from './foreign-message.js';
import { ACCEPTED_AT, fromPlain, toPlain, VERIFY } from './plain-message.js';

const FRAME_TYPE = 'application/vnd.waybill.frame';

export interface Encoded {
  readonly content: Buffer;
  readonly properties: Options.Publish;
}

export interface Decoded {
  readonly messages: readonly Message[];
  readonly verify: boolean;
}

/**
 * A frame as an AMQP message. One message alone becomes a plain AMQP message that any tool can read; several, or one that a
 * plain message can't carry unchanged, become the bytes of a frame.
 */
export function encode(frame: Frame): Encoded {
  const [first] = frame.messages;
  const plain = frame.messages.length === 1 && first !== undefined ? toPlain(first) : undefined;
  if (plain === undefined || first === undefined) {
    return {
      content: encodeFrame(frame.messages),
      properties: {
        persistent: true,
        mandatory: true,
        contentType: FRAME_TYPE,
        type: frame.topic,
        headers: frame.verify ? { [VERIFY]: true } : {},
      },
    };
  }
  if (frame.verify) plain.headers[VERIFY] = true;
  return {
    content: plain.body,
    properties: {
      persistent: true,
      mandatory: true,
      messageId: first.id,
      type: frame.topic,
      timestamp: Math.floor(first.acceptedAt / 1000),
      headers: plain.headers,
    },
  };
}

/**
 * An AMQP message as a frame. Never throws: a message of another program, and one that can't be read, become one message each
 * (see foreign-message.ts), so that the core can hand them out, retry them and bury them like any other.
 * `channelTopic` is the topic or pattern of the channel that it came by.
 */
export function decode(message: ConsumeMessage, channelTopic: string): Decoded {
  const { properties, fields } = message;
  const verify = fields.redelivered || properties.headers?.[VERIFY] === true;
  const contentType: unknown = properties.contentType;
  if (contentType === FRAME_TYPE) return { messages: readFrame(message, channelTopic), verify };
  const own = properties.headers?.[ACCEPTED_AT] === undefined ? undefined : fromPlain(message);
  return { messages: [own ?? fromForeign(message, channelTopic)], verify };
}

function readFrame(message: ConsumeMessage, channelTopic: string): readonly Message[] {
  const { content } = message;
  try {
    // A copy, unless it is cheap to keep: a frame may be held for minutes, and would hold everything that was read from the
    // socket together with it.
    const own = content.buffer.byteLength <= 2 * content.length ? content : Buffer.from(content);
    return decodeFrame(own);
  } catch {
    return [fromUnreadable(message, channelTopic)];
  }
}
