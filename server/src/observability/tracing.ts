import {
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { attemptNumber } from '../model/attempt.js';
import { BusError } from '../model/errors.js';
import type { Frame, Message } from '../model/message.js';
import { contextOf, sampledContext, type TraceContext } from '../model/trace-context.js';
import type { Accepted, Delivered, End, Watch, WatchedCall } from '../ports/telemetry.js';

/** Deliveries whose settle is still expected; the oldest is forgotten past it. */
const MAX_DELIVERIES = 10_000;
/** They end nothing. */
const PROLONGS = new Set(['extend', 'lease']);

/**
 * Spans for messages of sampled traces, and for nothing else:
 *
 *   the publisher's span (header `traceparent`; or `call`, when the call brought one and the message none)
 *     ├─ publish <topic>    from the call to the answer
 *     │    └─ broker <topic>     from the frame to its confirm
 *     ├─ broker <topic>     a due message goes to the broker
 *     └─ deliver <topic>    the hand-out; one for each attempt
 *          └─ ack <topic>   (nack, reject, expire, abandon) from the settle to the ledger's answer
 */
export class Tracing implements Watch {
  readonly #accepted = new WeakMap<Message, SpanContext>();
  readonly #delivered = new Map<
    number,
    { readonly context: SpanContext; readonly topic: string; readonly id: string }
  >();

  constructor(private readonly tracer: Tracer) {}

  call(name: string, traceparent: string, tracestate: string): WatchedCall | undefined {
    const parent = sampledContext(traceparent, tracestate);
    if (parent === undefined) return undefined;
    const attributes = { 'rpc.system': 'grpc', 'rpc.method': name };
    const span = this.tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, within(remote(parent)));
    const { traceId, spanId } = span.spanContext();
    return {
      context: { traceId, spanId, state: parent.state },
      end: (error) => finish(span, error),
    };
  }

  accepting(messages: readonly (Message | undefined)[]): End<readonly Accepted[]> | undefined {
    let spans: { readonly span: Span; readonly index: number }[] | undefined;
    for (let index = 0; index < messages.length; index++) {
      const message = messages[index];
      const parent = message === undefined ? undefined : contextOf(message.wire);
      if (message === undefined || parent === undefined) continue;
      const span = this.#start('publish', message, SpanKind.SERVER, remote(parent));
      this.#accepted.set(message, span.spanContext());
      spans ??= [];
      spans.push({ span, index });
    }
    return spans === undefined ? undefined : (results) => endAccepted(spans, results);
  }

  sending({ messages }: Frame): End<unknown> | undefined {
    let spans: Span[] | undefined;
    for (const message of messages) {
      const parent = this.#accepted.get(message) ?? contextIn(message);
      if (parent === undefined) continue;
      spans ??= [];
      spans.push(this.#start('broker', message, SpanKind.CLIENT, parent));
    }
    if (spans === undefined) return undefined;
    const started = spans;
    return (error) => {
      for (const span of started) finish(span, error);
    };
  }

  delivered(deliveries: readonly Delivered[]): void {
    for (const { message, channel, attempt, nonce, consumer } of deliveries) {
      const parent = contextIn(message);
      if (parent === undefined) continue;
      const span = this.#start('deliver', message, SpanKind.PRODUCER, parent);
      span.setAttributes({
        'messaging.consumer.group.name': channel.name,
        'waybill.attempt': attemptNumber(attempt),
        'waybill.consumer': consumer,
      });
      span.end();
      this.#expectSettle(nonce, message, span.spanContext());
    }
  }

  settling(
    kind: string,
    deliveries: readonly Pick<Delivered, 'nonce'>[],
  ): End<readonly string[] | undefined> | undefined {
    if (this.#delivered.size === 0 || PROLONGS.has(kind)) return undefined;
    let spans: { readonly span: Span; readonly index: number }[] | undefined;
    for (let index = 0; index < deliveries.length; index++) {
      const { nonce } = deliveries[index] as { nonce: number };
      const delivered = this.#delivered.get(nonce);
      if (delivered === undefined) continue;
      this.#delivered.delete(nonce);
      spans ??= [];
      spans.push({ span: this.#start(kind, delivered, SpanKind.SERVER, delivered.context), index });
    }
    return spans === undefined ? undefined : (outcomes) => endSettled(spans, outcomes);
  }

  #start(operation: string, { topic, id }: Pick<Message, 'topic' | 'id'>, kind: SpanKind, parent: SpanContext): Span {
    const attributes = {
      'messaging.system': 'waybill',
      'messaging.operation.name': operation,
      'messaging.destination.name': topic,
      'messaging.message.id': id,
    };
    return this.tracer.startSpan(`${operation} ${topic}`, { kind, attributes }, within(parent));
  }

  #expectSettle(nonce: number, { topic, id }: Message, context: SpanContext): void {
    if (this.#delivered.size >= MAX_DELIVERIES) {
      for (const oldest of this.#delivered.keys()) {
        this.#delivered.delete(oldest);
        break;
      }
    }
    this.#delivered.set(nonce, { context, topic, id });
  }
}

function contextIn({ wire }: Message): SpanContext | undefined {
  const context = contextOf(wire);
  return context === undefined ? undefined : remote(context);
}

function remote({ traceId, spanId, state }: TraceContext): SpanContext {
  const context = { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
  return state === '' ? context : { ...context, traceState: createTraceState(state) };
}

function within(parent: SpanContext): Context {
  return trace.setSpanContext(ROOT_CONTEXT, parent);
}

function endAccepted(
  spans: readonly { readonly span: Span; readonly index: number }[],
  results: readonly Accepted[],
): void {
  for (const { span, index } of spans) {
    const { outcome, error } = results[index] ?? {};
    if (outcome !== undefined) span.setAttribute('waybill.outcome', outcome);
    finish(span, error);
  }
}

function endSettled(
  spans: readonly { readonly span: Span; readonly index: number }[],
  outcomes: readonly string[] | undefined,
): void {
  for (const { span, index } of spans) {
    const outcome = outcomes?.[index];
    if (outcome !== undefined) span.setAttribute('waybill.outcome', outcome);
    finish(span, outcome === undefined ? new BusError('LEDGER_UNAVAILABLE', 'the ledger did not answer') : undefined);
  }
}

/** Of an error its reason only: words may name what a publisher sent. */
function finish(span: Span, error?: unknown): void {
  if (error !== undefined) {
    const { reason } = BusError.from(error);
    span.setAttribute('error.type', reason);
    span.setStatus({ code: SpanStatusCode.ERROR, message: reason });
  }
  span.end();
}
