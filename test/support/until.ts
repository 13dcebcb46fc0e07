import { setTimeout as delay } from 'node:timers/promises';

/** Tries every few milliseconds until the attempt stops throwing; after the limit throws what the last attempt threw. */
export async function until<T>(attempt: () => Promise<T>, limitMs: number, signal?: AbortSignal): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() >= deadline) throw error;
    }
    await delay(25);
  }
}
