import { useSyncExternalStore } from 'react';
import { now } from '../text/clock.js';
import { localTime, relativeTime, utcTime } from '../text/time.js';

const TICK_MS = 1_000;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let tick = now();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    tick = now();
    for (const each of listeners) each();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The gateway's time, moving on once a second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => tick);
}

interface TimeProps {
  /** Unix milliseconds; 0: not known, or not come. */
  readonly ms: bigint;
  /** What stands for 0. */
  readonly none?: string;
}

/** In the operator's zone, and in UTC where the pointer rests. */
export function Time({ ms, none = '–' }: TimeProps) {
  if (ms === 0n) return <span className="muted">{none}</span>;
  const value = Number(ms);
  return (
    <time dateTime={new Date(value).toISOString()} title={utcTime(value)} className="nowrap">
      {localTime(value)}
    </time>
  );
}

/** How long ago, or how soon; the exact times where the pointer rests. */
export function Ago({ ms, none = '–' }: TimeProps) {
  const nowMs = useNow();
  if (ms === 0n) return <span className="muted">{none}</span>;
  const value = Number(ms);
  return (
    <time dateTime={new Date(value).toISOString()} title={`${localTime(value)}\n${utcTime(value)}`} className="nowrap">
      {relativeTime(value, nowMs)}
    </time>
  );
}
