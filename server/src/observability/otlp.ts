export type Environment = Readonly<Record<string, string | undefined>>;

/** Whether traces are wanted, by config or by the standard variables. */
export function wantsTraces(endpoint: string, env: Environment): boolean {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || env.OTEL_TRACES_EXPORTER === 'none') return false;
  return [endpoint, env.OTEL_EXPORTER_OTLP_ENDPOINT, env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT].some(Boolean);
}
