import { get, type IncomingMessage } from 'node:http';
import { get as getTls } from 'node:https';

const TIMEOUT_MS = 2_000;

/** Whether the gateway that listens on this address of this machine lives; rejects with the reason when it does not. */
export async function probe(host: string, port: number, tls = false): Promise<void> {
  const url = probeUrl(host, port, tls);
  const status = await statusOf(url).catch((error: unknown) => {
    throw new Error(`no answer from ${url}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  });
  if (status !== 200) throw new Error(`${url} answers ${status}`);
}

function statusOf(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) } as const;
    const answered = (response: IncomingMessage) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    };
    // Its certificate has the name that clients use, and nothing that is secret goes there.
    const request = url.startsWith('https:')
      ? getTls(url, { ...options, rejectUnauthorized: false }, answered)
      : get(url, options, answered);
    request.once('error', reject);
  });
}

/** A server that listens on every address is asked on the loopback one. */
export function probeUrl(host: string, port: number, tls = false): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `${tls ? 'https' : 'http'}://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}/healthz`;
}
