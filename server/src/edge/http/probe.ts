const TIMEOUT_MS = 2_000;

/** Whether the gateway that listens on this address of this machine lives; rejects with the reason when it does not. */
export async function probe(host: string, port: number): Promise<void> {
  const url = probeUrl(host, port);
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((error: unknown) => {
    throw new Error(`no answer from ${url}: ${reason(error)}`, { cause: error });
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
}

/** What fetch says itself is always "fetch failed". */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

/** A server that listens on every address is asked on the loopback one. */
export function probeUrl(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}/healthz`;
}
