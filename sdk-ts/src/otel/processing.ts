import type { Middleware } from '../middleware/middleware.js';
import { DESTINATION_TEMPLATE, messageAttributes, type Operation, SETTLEMENT } from './attributes.js';
import { type Instruments, SpanKind } from './instruments.js';
import { traceSettling } from './settling.js';
import { contextOf } from './trace-context.js';

const PROCESS: Operation = { type: 'process', name: 'process' };

/** A span around the handler of every message, as a child of what published it: one trace from end to end. */
export function processing(instruments: Instruments): Middleware {
  return (message, next, { topic, channel }) => {
    instruments.consumed(PROCESS, message.topic, channel);
    traceSettling(instruments, message, { channel });
    const attributes = messageAttributes(message);
    if (topic !== message.topic) attributes[DESTINATION_TEMPLATE] = topic;
    const measured = {
      operation: PROCESS,
      kind: SpanKind.CONSUMER,
      topic: message.topic,
      channel,
      attributes,
      parent: contextOf(message),
    };
    return instruments.measure(measured, async (span) => {
      const result = await next();
      // What is settled when the handler returns is settled by that, after the span.
      if (message.settledBy !== undefined) span.setAttribute(SETTLEMENT, message.settledBy);
      return result;
    });
  };
}
