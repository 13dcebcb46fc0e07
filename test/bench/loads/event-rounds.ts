import { setImmediate } from 'node:timers/promises';
import { expectCount, serveRounds } from './serve-rounds.js';

export interface Events {
  /** Sends an event, without a promise. */
  emit(n: number): void;
  /** Sends an event, with one. */
  publish(n: number): Promise<void>;
}

/** What is sent before the event loop goes on, as a program's does after some I/O. */
const BURST = 1_000;

/** Rounds of events in one process: `open` subscribes the handler. Each event must be handled once, in order. */
export async function eventRounds(open: (topic: string, handler: (n: number) => void) => Events): Promise<void> {
  await serveRounds(async ({ topic }) => {
    let next = 0;
    const events = open(topic, (n) => {
      if (n !== next) throw new Error(`event ${n} came in the place of ${next}`);
      next++;
    });
    const measure = async (messages: number, send: (n: number) => Promise<void> | undefined) => {
      const first = next;
      const start = performance.now();
      for (let n = first; n < first + messages; n++) {
        const sent = send(n);
        if (sent !== undefined) await sent;
        if (n % BURST === 0) await setImmediate();
      }
      while (next < first + messages) await setImmediate();
      const elapsedMs = performance.now() - start;
      expectCount('events handled', next - first, messages);
      return (messages * 1_000) / elapsedMs;
    };
    return async (messages) => {
      const emit = await measure(messages, (n) => {
        events.emit(n);
        return undefined;
      });
      const publish = await measure(messages, (n) => events.publish(n));
      return { emit, publish };
    };
  });
}
