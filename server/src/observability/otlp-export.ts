import { DiagLogLevel, diag } from '@opentelemetry/api';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { StartError } from '../model/errors.js';
import type { Logger } from '../ports/logger.js';
import type { Environment } from './otlp.js';
import { Tracing } from './tracing.js';

export interface TracesOptions {
  /** Config `OtlpEndpoint`; empty: as the environment says. */
  readonly endpoint: string;
  readonly version: string;
}

/** How long what was traced last may take to be sent when the gateway stops. */
const STOP_MS = 3_000;

/**
 * Traces to a collector by OTLP/HTTP. The libraries read the rest of the standard variables: OTEL_EXPORTER_OTLP_HEADERS, _TIMEOUT,
 * _COMPRESSION, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_BSP_*.
 */
export async function exportTraces(
  { endpoint, version }: TracesOptions,
  env: Environment,
  logger: Logger,
): Promise<{ readonly tracing: Tracing; stop(): Promise<void> }> {
  logThrough(logger);
  const exporter = await makeExporter(endpoint, env);
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'waybill', 'service.version': version }))
      .merge(detectResources({ detectors: [serviceInstanceIdDetector, envDetector] })),
    // Whoever begins a trace decides whether it is taken.
    sampler: new ParentBasedSampler({ root: new AlwaysOffSampler() }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
    forceFlushTimeoutMillis: STOP_MS,
  });
  return {
    tracing: new Tracing(provider.getTracer('waybill', version)),
    async stop() {
      const late = new Promise<void>((resolve) => setTimeout(resolve, STOP_MS).unref());
      await Promise.race([provider.shutdown(), late]).catch((error: unknown) => {
        logger.warn({ error }, 'the last traces could not be sent');
      });
    },
  };
}

async function makeExporter(endpoint: string, env: Environment): Promise<SpanExporter> {
  const options = endpoint === '' ? {} : { url: `${endpoint.replace(/\/+$/, '')}/v1/traces` };
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || 'http/protobuf';
  switch (protocol) {
    case 'http/protobuf': {
      const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
      return new OTLPTraceExporter(options);
    }
    case 'http/json': {
      const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
      return new OTLPTraceExporter(options);
    }
    default:
      throw new StartError(
        `OTEL_EXPORTER_OTLP_PROTOCOL is "${protocol}": traces are sent by http/protobuf or http/json (a collector's port 4318)`,
      );
  }
}

/** What the libraries have to say. They say how often an export failed, not what was in it. */
function logThrough(logger: Logger): void {
  const say =
    (level: 'debug' | 'warn') =>
    (message: string, ...args: unknown[]) => {
      const problem = args.length === 0 ? {} : { problem: args.map(String).join(' ').slice(0, 1_000) };
      logger[level](problem, `traces: ${message.slice(0, 1_000)}`);
    };
  const quiet = say('debug');
  const loud = say('warn');
  diag.setLogger({ verbose: quiet, debug: quiet, info: quiet, warn: loud, error: loud }, DiagLogLevel.WARN);
}
