import { type Context, context, type Link, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import type { Message } from '../message.js';

type Headers = Readonly<Record<string, string>>;

/** The headers with the active trace context beside them, in the words of the application's propagator: W3C's `traceparent` and `tracestate`, unless it was set up otherwise. */
export function withTraceContext(headers: Headers | undefined): Record<string, string> {
  const carrier: Record<string, string> = { ...headers };
  propagation.inject(context.active(), carrier);
  return carrier;
}

/** Whether the message comes with a trace context of its own, which stays. */
export function hasTraceContext(headers: Headers | undefined): boolean {
  return headers?.traceparent !== undefined;
}

/** The context in which the message was made. */
export function contextOf(message: Message): Context {
  return propagation.extract(ROOT_CONTEXT, message.headers);
}

/** A link to where the message was made; none where it does not say. */
export function linksTo(message: Message): Link[] {
  const made = trace.getSpanContext(contextOf(message));
  return made === undefined ? [] : [{ context: made }];
}
