import { type Duration, milliseconds } from '../duration.js';
import { count } from '../options.js';
import type { DeliveryKey, IdempotencyStore } from './idempotency.js';

export interface MemoryStoreOptions {
  /** The most deliveries that are remembered, from 1; the oldest goes first. Default: 100,000. */
  size?: number;
  /** How long each is remembered, 1 s to 365 days. Default: 1 day. */
  age?: Duration;
}

const YEAR_MS = 31_536_000_000;

/**
 * Remembers in this process: of use against redeliveries to the same process, such as after a lost stream or lease. It
 * knows nothing of other processes, and a restart forgets all.
 */
export function memoryStore(options: MemoryStoreOptions = {}): IdempotencyStore {
  const size = count(options.size ?? 100_000, 'size', 1);
  const ageMs = milliseconds(options.age ?? '1d', 'age', 1_000, YEAR_MS);
  /** When each was done, oldest first. */
  const done = new Map<string, number>();
  const running = new Map<string, Promise<void>>();

  const forget = (now: number) => {
    for (const [key, at] of done) {
      if (done.size <= size && now - at < ageMs) return;
      done.delete(key);
    }
  };

  return {
    async once(delivery, work) {
      const key = keyOf(delivery);
      // The same message may come again while its first delivery, whose lease was lost, is still being handled.
      for (let other = running.get(key); other !== undefined; other = running.get(key)) await other.catch(() => {});
      forget(performance.now());
      if (done.has(key)) return { done: 'before' };
      const run = work();
      running.set(key, run);
      try {
        await run;
        done.set(key, performance.now());
        forget(performance.now());
      } finally {
        running.delete(key);
      }
      return { done: 'now' };
    },
  };
}

/** A line break is in none of the three. */
function keyOf({ topic, channel, id }: DeliveryKey): string {
  return `${topic}\n${channel}\n${id}`;
}
