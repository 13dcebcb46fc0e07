import { context, propagation, type SpanContext, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bus } from '../bus.js';
import { connect } from '../connect.js';
import { UnrecoverableError } from '../consumer/handler-errors.js';
import { DeadlineError, InvalidArgumentError } from '../errors.js';
import { TestingGateway } from '../fixture/gateway.js';
import { localBus } from '../local/index.js';
import type { Message } from '../message.js';
import type { Middleware } from '../middleware/middleware.js';
import { instrument } from './index.js';

const exporter = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = tracerProvider.getTracer('the application');

let gateway: TestingGateway;
let plain: Bus;
let bus: Bus;

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
});

afterAll(() => {
  context.disable();
  propagation.disable();
});

beforeEach(async () => {
  gateway = await new TestingGateway().start();
  plain = await connect({ url: gateway.url, name: 'tester' });
  bus = instrument(plain, { tracerProvider });
});

afterEach(async () => {
  await bus.close({ timeout: 100 });
  gateway.stop();
  exporter.reset();
});

/** The spans that have ended, by name. */
function spans(name: string): ReadableSpan[] {
  return exporter.getFinishedSpans().filter((span) => span.name === name);
}

async function spanOf(name: string): Promise<ReadableSpan> {
  await gateway.until(() => spans(name).length > 0);
  const [span] = spans(name);
  if (span === undefined) throw new Error(`no span ${name}`);
  return span;
}

function traceparent({ traceId, spanId }: SpanContext): string {
  return `00-${traceId}-${spanId}-01`;
}

async function nextMessage(topic: string): Promise<Message> {
  return new Promise((resolve) => plain.subscribe(topic, 'plain', resolve));
}

describe('a publish', () => {
  it('is a producer span, a child of the active one, and its context travels with the message', async () => {
    const published = await tracer.startActiveSpan('checkout', async (span) => {
      const result = await bus.publish('orders', { number: 7 }, { key: 'customer-1', headers: { source: 'shop' } });
      span.end();
      return result;
    });
    const [checkout] = spans('checkout');
    const span = await spanOf('publish orders');
    expect(span.kind).toBe(SpanKind.PRODUCER);
    expect(span.parentSpanContext).toMatchObject({ spanId: checkout?.spanContext().spanId });
    expect(span.attributes).toEqual({
      'messaging.system': 'waybill',
      'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'orders',
      'messaging.message.id': published.id,
      'waybill.message.key': 'customer-1',
      'waybill.publish.outcome': 'parked',
    });
    const message = await nextMessage('orders');
    expect(message.headers).toEqual({
      source: 'shop',
      'content-type': 'application/json',
      traceparent: traceparent(span.spanContext()),
    });
  });

  it('leaves a trace context alone that the message has already', async () => {
    const own = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;
    await bus.publish('orders', 'x', { headers: { traceparent: own } });
    await bus.publishMany('many', [{ body: 'x', headers: { traceparent: own } }]);
    expect((await nextMessage('orders')).headers.traceparent).toBe(own);
    expect((await nextMessage('many')).headers.traceparent).toBe(own);
  });

  it('of many is one span, whose context all of them carry', async () => {
    await bus.publishMany('orders', [{ number: 7 }, { body: 'text', key: 'k' }, 'plain']);
    const span = await spanOf('publish orders');
    expect(span.attributes).toMatchObject({ 'messaging.batch.message_count': 3 });
    const messages: Message[] = [];
    plain.subscribe('orders', 'plain', (message) => void messages.push(message));
    await gateway.until(() => messages.length === 3);
    expect(messages.map((message) => message.headers.traceparent)).toEqual(
      Array.from({ length: 3 }, () => traceparent(span.spanContext())),
    );
    expect(messages.map((message) => message.text())).toEqual(['{"number":7}', 'text', 'plain']);
    expect(messages[1]?.key).toBe('k');
  });

  it('that fails is a span with the error', async () => {
    await expect(bus.publish('orders', 'x', { ttl: -1 })).rejects.toThrow(InvalidArgumentError);
    const span = await spanOf('publish orders');
    expect(span.status).toMatchObject({ code: SpanStatusCode.ERROR, message: expect.stringContaining('ttl') });
    expect(span.attributes).toMatchObject({ 'error.type': 'InvalidArgumentError' });
    expect(span.events).toMatchObject([{ name: 'exception' }]);
  });
});

describe('a handler', () => {
  it('runs in a consumer span of the publisher’s trace, which is the active one', async () => {
    let active: SpanContext | undefined;
    const seen: (string | undefined)[] = [];
    const logs: Middleware = (_message, next) => {
      seen.push(trace.getActiveSpan()?.spanContext().spanId);
      return next();
    };
    const handle = () => {
      active = trace.getActiveSpan()?.spanContext();
    };
    bus.subscribe('orders.*', 'billing', handle, { middleware: [logs] });
    await gateway.until(() => gateway.opens.length === 1);
    // The gateway of the tests knows no patterns.
    await bus.publish('orders.*', 'x', { id: 'm' });
    const span = await spanOf('process orders.*');
    const [published] = spans('publish orders.*');
    expect(span.kind).toBe(SpanKind.CONSUMER);
    expect(span.parentSpanContext).toMatchObject({ spanId: published?.spanContext().spanId, isRemote: true });
    expect(span.spanContext().traceId).toBe(published?.spanContext().traceId);
    expect(active).toMatchObject({ spanId: span.spanContext().spanId });
    expect(seen).toEqual([span.spanContext().spanId]);
    expect(span.attributes).toEqual({
      'messaging.system': 'waybill',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'orders.*',
      'messaging.destination.subscription.name': 'billing',
      'messaging.consumer.group.name': 'billing',
      'messaging.message.id': 'm',
      'messaging.message.body.size': 1,
      'waybill.message.attempt': 1,
    });
  });

  it('that throws has its error in the span, and the message is settled as ever', async () => {
    bus.subscribe('orders', 'billing', () => {
      throw new UnrecoverableError('no such order');
    });
    await bus.publish('orders', 'x');
    const span = await spanOf('process orders');
    expect(span.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no such order' });
    expect(span.attributes).toMatchObject({ 'error.type': 'UnrecoverableError' });
    await gateway.until(() => gateway.store.settled.some(({ kind }) => kind === 'reject'));
  });

  it('that settles by hand has a span of that inside', async () => {
    bus.subscribe('orders', 'billing', async (message) => {
      await message.extend('1m');
      await message.nack({ delay: '1h', reason: 'by hand' });
    });
    await bus.publish('orders', 'x');
    const span = await spanOf('process orders');
    expect(span.attributes).toMatchObject({ 'waybill.settlement': 'nack' });
    for (const name of ['extend orders', 'nack orders']) {
      const settle = await spanOf(name);
      expect(settle.parentSpanContext).toMatchObject({ spanId: span.spanContext().spanId });
      expect(settle.kind).toBe(SpanKind.CLIENT);
      expect(settle.attributes).toMatchObject({
        'messaging.operation.type': 'settle',
        'messaging.message.id': span.attributes['messaging.message.id'],
      });
    }
    expect(gateway.store.settled).toMatchObject([
      { kind: 'extend' },
      { kind: 'nack', reason: 'by hand', delayMs: 3_600_000 },
    ]);
  });

  it('of a batch has a span for each message', async () => {
    let count = 0;
    bus.subscribeBatch('orders', 'billing', (messages) => {
      count += messages.length;
    });
    await bus.publishMany('orders', ['a', 'b']);
    await gateway.until(() => spans('process orders').length === 2);
    expect(count).toBe(2);
  });
});

describe('a pull', () => {
  it('is a span for each message, linked to the publisher’s', async () => {
    await bus.publish('jobs', 'a film');
    const [published] = spans('publish jobs');
    for await (const message of bus.pull('jobs', 'renderer')) {
      await message.ack();
      break;
    }
    const link = { context: { spanId: published?.spanContext().spanId } };
    const pull = await spanOf('pull jobs');
    expect(pull.kind).toBe(SpanKind.CLIENT);
    expect(pull.links).toMatchObject([link]);
    expect(pull.attributes).toMatchObject({
      'messaging.operation.type': 'receive',
      'messaging.consumer.group.name': 'renderer',
    });
    expect((await spanOf('ack jobs')).links).toMatchObject([link]);
    expect(gateway.store.settled).toMatchObject([{ kind: 'ack' }]);
  });

  it('whose receipts are settled elsewhere has a span for that call', async () => {
    await bus.ack(['r1/x', 'r2/x']);
    const span = await spanOf('ack');
    expect(span.attributes).toMatchObject({ 'messaging.batch.message_count': 2, 'messaging.operation.type': 'settle' });
  });
});

describe('a request', () => {
  it('is one trace with its responder and its reply', async () => {
    bus.serve('prices', 'service', () => 'cheap');
    expect((await bus.request('prices', 'apple')).text()).toBe('cheap');
    const [request, process, reply] = await Promise.all([
      spanOf('request prices'),
      spanOf('process prices'),
      spanOf('publish (temporary)'),
    ]);
    expect(request.kind).toBe(SpanKind.CLIENT);
    expect(request.attributes).toMatchObject({
      'messaging.message.conversation_id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(process.parentSpanContext).toMatchObject({ spanId: request.spanContext().spanId });
    expect(reply.parentSpanContext).toMatchObject({ spanId: process.spanContext().spanId });
    expect(reply.attributes).toMatchObject({ 'messaging.destination.temporary': true });
    expect(reply.attributes).not.toHaveProperty('messaging.destination.name');
  });

  it('has in its reply the context of the span that answered', async () => {
    bus.serve('prices', 'service', () => 'cheap');
    const reply = await plain.request('prices', 'apple', {
      headers: { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` },
    });
    const span = await spanOf('publish (temporary)');
    expect(reply.headers.traceparent).toBe(traceparent(span.spanContext()));
    expect(span.spanContext().traceId).toBe('1'.repeat(32));
  });

  it('without a reply is a span with the error', async () => {
    await expect(bus.request('nobody', '?', { timeout: 20 })).rejects.toThrow(DeadlineError);
    expect((await spanOf('request nobody')).attributes).toMatchObject({ 'error.type': 'DeadlineError' });
  });
});

describe('metrics', () => {
  it('count and time what is sent and handled, by topic, channel and error', async () => {
    const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 3_600_000 });
    const meterProvider = new MeterProvider({ readers: [reader] });
    const measured = instrument(plain, { tracerProvider, meterProvider });
    measured.subscribe('orders', 'billing', (message) => {
      if (message.text() === 'bad') throw new UnrecoverableError('bad');
    });
    await measured.publishMany('orders', ['a', 'b']);
    await measured.publish('orders', 'bad');
    await measured.publish('orders', 'x', { ttl: -1 }).catch(() => {});
    await gateway.until(() => spans('process orders').length === 3);
    await reader.forceFlush();
    await meterProvider.shutdown();

    const found = new Map<string, unknown[]>();
    for (const { descriptor, dataPoints } of metricExporter.getMetrics()[0]?.scopeMetrics[0]?.metrics ?? []) {
      const values = dataPoints.map(({ value, attributes }) => {
        const count = typeof value === 'number' ? value : value.count;
        return [
          count,
          attributes['messaging.operation.name'],
          attributes['messaging.consumer.group.name'],
          attributes['error.type'],
        ];
      });
      found.set(descriptor.name, values);
      if (descriptor.name.endsWith('.duration')) expect(descriptor.unit).toBe('s');
    }
    expect(Object.fromEntries(found)).toEqual({
      'messaging.client.sent.messages': [
        [3, 'publish', undefined, undefined],
        [1, 'publish', undefined, 'InvalidArgumentError'],
      ],
      'messaging.client.consumed.messages': [[3, 'process', 'billing', undefined]],
      'messaging.client.operation.duration': [
        [2, 'publish', undefined, undefined],
        [1, 'publish', undefined, 'InvalidArgumentError'],
      ],
      'messaging.process.duration': [
        [2, 'process', 'billing', undefined],
        [1, 'process', 'billing', 'UnrecoverableError'],
      ],
    });
  });
});

describe('a bus in memory', () => {
  it('has the same trace, from the request to the reply', async () => {
    const memory = instrument(localBus(), { tracerProvider });
    memory.serve('prices', 'service', () => 'cheap');
    expect((await memory.request('prices', 'apple')).text()).toBe('cheap');
    const [request, process] = await Promise.all([spanOf('request prices'), spanOf('process prices')]);
    expect(process.parentSpanContext).toMatchObject({ spanId: request.spanContext().spanId });
    await memory.ping();
    await memory.close();
  });
});

describe('without an SDK of OpenTelemetry', () => {
  it('an instrumented bus works as any', async () => {
    const quiet = instrument(plain);
    const handled = new Promise<Message>((resolve) => quiet.subscribe('orders', 'billing', resolve));
    await quiet.publish('orders', { number: 7 });
    expect((await handled).json()).toEqual({ number: 7 });
  });
});
