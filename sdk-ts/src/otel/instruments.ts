import {
  type Attributes,
  type Context,
  type Counter,
  context,
  type Histogram,
  type Link,
  type MeterProvider,
  metrics,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import { ERROR_TYPE, errorType, type Operation, operationAttributes, spanName } from './attributes.js';

export interface TelemetryOptions {
  /** Makes the spans. Default: the global one. */
  tracerProvider?: TracerProvider;
  /** Makes the metrics. Default: the global one. */
  meterProvider?: MeterProvider;
}

/** One operation, to be measured. */
export interface Measured {
  readonly operation: Operation;
  readonly kind: SpanKind;
  readonly topic?: string;
  readonly channel?: string;
  /** Of the span alone. */
  readonly attributes?: Attributes;
  readonly links?: Link[];
  /** Default: the active one. */
  readonly parent?: Context;
}

const SCOPE = '@waybill/sdk';
/** Seconds, as the conventions advise. */
const BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** The tracer and the metrics of the conventions. */
export class Instruments {
  readonly #tracer: Tracer;
  readonly #sent: Counter;
  readonly #consumed: Counter;
  readonly #operations: Histogram;
  readonly #processing: Histogram;

  constructor({ tracerProvider = trace, meterProvider = metrics }: TelemetryOptions) {
    this.#tracer = tracerProvider.getTracer(SCOPE);
    const meter = meterProvider.getMeter(SCOPE);
    const duration = { unit: 's', advice: { explicitBucketBoundaries: BOUNDARIES } };
    this.#sent = meter.createCounter('messaging.client.sent.messages', {
      unit: '{message}',
      description: 'Messages that were published, or failed to be.',
    });
    this.#consumed = meter.createCounter('messaging.client.consumed.messages', {
      unit: '{message}',
      description: 'Messages that were handed to the application.',
    });
    this.#operations = meter.createHistogram('messaging.client.operation.duration', {
      ...duration,
      description: 'How long publishing, asking, pulling and settling took.',
    });
    this.#processing = meter.createHistogram('messaging.process.duration', {
      ...duration,
      description: 'How long handlers took.',
    });
  }

  /** Does the work inside of a span, and rejects with what it rejects with. */
  async measure<T>(measured: Measured, work: (span: Span) => Promise<T>): Promise<T> {
    const { operation, topic, channel, kind, links = [], parent = context.active() } = measured;
    const attributes = operationAttributes(operation, topic, channel);
    const span = this.#tracer.startSpan(
      spanName(operation, topic),
      { kind, links, attributes: { ...attributes, ...measured.attributes } },
      parent,
    );
    const begun = performance.now();
    try {
      return await context.with(trace.setSpan(parent, span), work, undefined, span);
    } catch (error) {
      attributes[ERROR_TYPE] = errorType(error);
      span.setAttribute(ERROR_TYPE, errorType(error));
      span.recordException(error instanceof Error ? error : String(error));
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
      throw error;
    } finally {
      span.end();
      const seconds = (performance.now() - begun) / 1_000;
      (operation.type === 'process' ? this.#processing : this.#operations).record(seconds, attributes);
    }
  }

  /** A span of what took place between the two times, in Unix milliseconds. */
  record(
    { operation, topic, channel, kind, attributes, links = [] }: Measured,
    startTime: number,
    endTime: number,
  ): void {
    const few = operationAttributes(operation, topic, channel);
    const options = { kind, links, startTime, attributes: { ...few, ...attributes } };
    this.#tracer.startSpan(spanName(operation, topic), options).end(endTime);
    this.#operations.record((endTime - startTime) / 1_000, few);
  }

  sent(operation: Operation, topic: string, count: number, error?: unknown): void {
    const attributes = operationAttributes(operation, topic);
    if (error !== undefined) attributes[ERROR_TYPE] = errorType(error);
    this.#sent.add(count, attributes);
  }

  consumed(operation: Operation, topic: string, channel: string): void {
    this.#consumed.add(1, operationAttributes(operation, topic, channel));
  }
}

export { SpanKind };
