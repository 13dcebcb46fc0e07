import type { Message } from '../message.js';
import { messageAttributes, type Settle } from './attributes.js';
import { type Instruments, type Measured, SpanKind } from './instruments.js';

/** Has the message's own ack, nack, extend and reject traced, whoever calls them. */
export function traceSettling(
  instruments: Instruments,
  message: Message,
  about: Pick<Measured, 'channel' | 'links'>,
): void {
  const { ack, nack, extend, reject } = message;
  const settle = (name: Settle, call: () => Promise<void>) => {
    const measured: Measured = {
      operation: { type: 'settle', name },
      kind: SpanKind.CLIENT,
      topic: message.topic,
      attributes: messageAttributes(message),
      ...about,
    };
    return instruments.measure(measured, call);
  };
  message.ack = () => settle('ack', () => ack.call(message));
  message.nack = (options) => settle('nack', () => nack.call(message, options));
  message.extend = (lease) => settle('extend', () => extend.call(message, lease));
  message.reject = (reason) => settle('reject', () => reject.call(message, reason));
}
