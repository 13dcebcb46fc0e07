import { randomBytes, randomUUID } from 'node:crypto';
import { ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { type Bus, connect } from '@waybill/sdk';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { ROOT } from '../compat/tools.js';
import { php, preparePhp } from '../php/php.js';
import { atTestEnd } from '../support/cleanup.js';
import { BusClient } from '../support/client.js';
import { fixedRetry } from '../support/client-types.js';
import { type Engine, type Gateway, type Settings, startGateway } from '../support/gateway.js';
import { until } from '../support/until.js';
import { type CollectedSpan, Collector } from './collector.js';

let collector: Collector;
beforeEach(async () => {
  collector = await Collector.start();
  atTestEnd(() => collector.stop());
});

/** Spans go at once, so that a test need not wait for a batch. */
const TRACED = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_BSP_SCHEDULE_DELAY: 10 };

async function tracedGateway(engine: Engine, settings: Settings = {}): Promise<Gateway> {
  return startGateway(engine, { ...TRACED, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...settings });
}

async function busOf(gateway: Gateway): Promise<Bus> {
  const bus = await connect(gateway.rpcUrl);
  onTestFinished(() => bus.close());
  return bus;
}

/** Every span of the trace, once these came; by name. */
async function spansOf(traceId: string, names: readonly string[]): Promise<Map<string, CollectedSpan>> {
  return until(async () => {
    const spans = collector.ofTrace(traceId);
    expect(spans.map(({ name }) => name).sort()).toEqual([...names].sort());
    return new Map(spans.map((span) => [span.name, span]));
  }, 20_000);
}

function newTrace(sampled = true): { readonly traceId: string; readonly spanId: string; readonly traceparent: string } {
  const traceId = randomBytes(16).toString('hex');
  const spanId = randomBytes(8).toString('hex');
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-0${sampled ? 1 : 0}` };
}

describe.each<Engine>(['embedded', 'cluster'])('a trace on the %s engine', (engine) => {
  beforeAll(preparePhp, 900_000);

  test('holds publish, broker, deliver, handler and ack, from TypeScript over the gateway to PHP', {
    timeout: 120_000,
  }, async () => {
    const gateway = await tracedGateway(engine);
    const provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'shop' }),
      spanProcessors: [
        new SimpleSpanProcessor({ exporter: new OTLPTraceExporter({ url: `${collector.url}/v1/traces` }) }),
      ],
    });
    onTestFinished(() => provider.shutdown());
    const topic = `orders.${randomUUID()}`;
    const bus = await busOf(gateway);
    const client = new BusClient(gateway.rpcUrl);
    onTestFinished(() => client.close());
    await client.makeChannel(topic, 'mail');
    const script = `${ROOT}/test/telemetry/handle.php`;
    const handled = php([script, gateway.rpcUrl, topic, 'mail', collector.url]);

    const span = provider.getTracer('test').startSpan('checkout', { kind: SpanKind.PRODUCER }, ROOT_CONTEXT);
    const { traceId, spanId } = span.spanContext();
    const { id } = await bus.publish(topic, { number: 42 }, { headers: { traceparent: `00-${traceId}-${spanId}-01` } });
    span.end();
    await handled;

    const names = [
      'checkout',
      `publish ${topic}`,
      `broker ${topic}`,
      `deliver ${topic}`,
      `handle ${topic}`,
      `ack ${topic}`,
    ];
    const spans = await spansOf(traceId, names);
    const get = (name: string) => spans.get(name) ?? expect.fail(`no span ${name}`);
    const [checkout, publish, broker, deliver, handle, ack] = names.map(get);
    expect(checkout).toMatchObject({ service: 'shop', parentSpanId: '' });
    expect(publish).toMatchObject({ service: 'waybill', parentSpanId: checkout?.spanId });
    expect(broker).toMatchObject({ service: 'waybill', parentSpanId: publish?.spanId });
    expect(deliver).toMatchObject({ service: 'waybill', parentSpanId: checkout?.spanId });
    expect(handle).toMatchObject({ service: 'mailer', parentSpanId: checkout?.spanId });
    expect(ack).toMatchObject({ service: 'waybill', parentSpanId: deliver?.spanId });
    for (const each of [publish, broker, deliver, handle, ack]) {
      expect(each?.attributes).toMatchObject({ 'messaging.message.id': id });
      expect(each?.failed).toBe(false);
    }
    expect(deliver?.attributes).toMatchObject({ 'messaging.consumer.group.name': 'mail', 'waybill.attempt': 1 });
    expect(trace.getActiveSpan()).toBeUndefined();
  });

  test('goes through a retry and a delay: every attempt has its spans', async () => {
    const gateway = await tracedGateway(engine);
    const client = new BusClient(gateway.rpcUrl);
    onTestFinished(() => client.close());
    const { traceId, spanId, traceparent } = newTrace();
    const consumer = await client.subscribe('later', 'mail', { retry: fixedRetry(1) });
    await client.publishOne({ topic: 'later', delayMs: 20, headers: { traceparent } });
    await consumer.nack([(await consumer.next()).receipt], 20);
    await consumer.nack([(await consumer.next()).receipt]);
    const names = ['publish', 'broker', 'deliver', 'nack', 'broker', 'deliver', 'nack'].map((name) => `${name} later`);
    await spansOf(traceId, names);
    const attempts = collector.ofTrace(traceId).filter(({ name }) => name === 'deliver later');
    expect(attempts.map(({ attributes }) => attributes['waybill.attempt'])).toEqual([1, 2]);
    for (const each of attempts) expect(each.parentSpanId).toBe(spanId);
  });
});

test('the context of a call becomes that of its messages, and reaches their consumer', async () => {
  const gateway = await tracedGateway('embedded');
  const client = new BusClient(gateway.rpcUrl);
  onTestFinished(() => client.close());
  const { traceId, spanId, traceparent } = newTrace();
  const consumer = await client.subscribe('calls', 'mail');
  const response = await fetch(`${gateway.httpUrl}/waybill.v1.Bus/Publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent, tracestate: 'vendor=7' },
    body: JSON.stringify({ messages: [{ topic: 'calls', body: 'aGk=' }] }),
  });
  expect(response.status).toBe(200);
  const received = await consumer.next();
  await consumer.ack([received.receipt]);
  const call = 'waybill.v1.Bus/Publish';
  const spans = await spansOf(traceId, [call, 'publish calls', 'broker calls', 'deliver calls', 'ack calls']);
  expect(spans.get(call)?.parentSpanId).toBe(spanId);
  expect(spans.get('publish calls')?.parentSpanId).toBe(spans.get(call)?.spanId);
  expect(received.headers).toEqual({
    traceparent: `00-${traceId}-${spans.get(call)?.spanId}-01`,
    tracestate: 'vendor=7',
  });
});

test('what is not sampled, or no trace at all, leaves no span, and its headers as they are', async () => {
  const gateway = await tracedGateway('embedded');
  const client = new BusClient(gateway.rpcUrl);
  onTestFinished(() => client.close());
  const consumer = await client.subscribe('plain', 'mail');
  const sampled = newTrace();
  const contexts = [newTrace(false).traceparent, 'nonsense', `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`];
  for (const traceparent of contexts) await client.publishOne({ topic: 'plain', headers: { traceparent } });
  await client.publishOne({ topic: 'plain' });
  await client.publishOne({ topic: 'plain', headers: { traceparent: sampled.traceparent } });
  const received = await consumer.take(5);
  await consumer.ack(received.map(({ receipt }) => receipt));
  expect(received.map(({ headers }) => headers.traceparent)).toEqual([...contexts, undefined, sampled.traceparent]);
  await spansOf(sampled.traceId, ['publish plain', 'broker plain', 'deliver plain', 'ack plain']);
  expect(new Set(collector.spans.map(({ traceId }) => traceId))).toEqual(new Set([sampled.traceId]));
});

test('config OtlpEndpoint names the collector too, what was traced last is sent when the gateway stops, and no span holds a payload', async () => {
  const slow = { OTEL_BSP_SCHEDULE_DELAY: 600_000, OTEL_EXPORTER_OTLP_ENDPOINT: '', OtlpEndpoint: `${collector.url}/` };
  const gateway = await tracedGateway('embedded', { ...slow, OTEL_SERVICE_NAME: 'bus-7' });
  const client = new BusClient(gateway.rpcUrl);
  onTestFinished(() => client.close());
  const { traceId, traceparent } = newTrace();
  const headers = { traceparent, secret: 'hidden-header' };
  await client.publishOne({ topic: 'last', body: 'hidden-body', key: 'hidden-key', headers });
  await gateway.stop();
  const spans = await spansOf(traceId, ['publish last', 'broker last']);
  expect(spans.get('publish last')).toMatchObject({ service: 'bus-7', attributes: { 'waybill.outcome': 'parked' } });
  expect(collector.bodies.join('')).not.toMatch(/hidden/);
});

test('a collector that is away costs no message', async () => {
  const gateway = await tracedGateway('embedded');
  const client = new BusClient(gateway.rpcUrl);
  onTestFinished(() => client.close());
  await collector.stop();
  const consumer = await client.subscribe('away', 'mail');
  for (let i = 0; i < 20; i++)
    await client.publishOne({ topic: 'away', headers: { traceparent: newTrace().traceparent } });
  const received = await consumer.take(20);
  expect(new Set(await consumer.ack(received.map(({ receipt }) => receipt)))).toEqual(new Set(['ok']));
});

test('a protocol that is not spoken stops the start, with words that say what is', async () => {
  await expect(tracedGateway('embedded', { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).rejects.toThrow(
    /OTEL_EXPORTER_OTLP_PROTOCOL is "grpc".*http\/protobuf/,
  );
});
