import { Code, ConnectError } from '@connectrpc/connect';
import type { Stats } from '@waybill/proto/waybill/v1/admin';
import { useSyncExternalStore } from 'react';
import { setClock } from '../text/clock.js';
import { admin } from './clients.js';
import { currentSession, currentToken, lock, onSession } from './session.js';

/**
 * The gateway's figures, second by second, for the whole page.
 *
 *   connecting ──▶ live ──(the stream ended, or is silent)──▶ away ──(it goes on)──▶ live
 *
 * While it is away the last figures stay, and whoever shows them says how old they are.
 */
export interface LiveStats {
  readonly state: 'connecting' | 'live' | 'away';
  readonly latest: Stats | undefined;
  /** The last five minutes, oldest first. A gap in time is a gap in here. */
  readonly history: readonly Stats[];
}

const INTERVAL_MS = 1_000;
const SILENT_MS = 5_000;
const HISTORY = 300;
const LONGEST_PAUSE_MS = 5_000;

const listeners = new Set<() => void>();
let current: LiveStats = { state: 'connecting', latest: undefined, history: [] };
let running: AbortController | undefined;

export function useLiveStats(): LiveStats {
  return useSyncExternalStore(subscribe, () => current);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (running === undefined) {
    running = new AbortController();
    void watch(running.signal);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    running?.abort();
    running = undefined;
  };
}

async function watch(page: AbortSignal): Promise<void> {
  for (let failures = 0; !page.aborted; ) {
    await unlocked(page);
    const token = currentToken();
    const attempt = new AbortController();
    const signal = AbortSignal.any([page, attempt.signal]);
    const silence = () => setTimeout(() => attempt.abort(), SILENT_MS);
    let timer = silence();
    try {
      for await (const { stats } of admin.watchStats({ intervalMs: INTERVAL_MS }, { signal, timeoutMs: 0 })) {
        clearTimeout(timer);
        timer = silence();
        failures = 0;
        if (stats) take(stats);
      }
    } catch (error) {
      // However it ended, it is asked for again; without a name, after the operator gave one.
      if (ConnectError.from(error).code === Code.Unauthenticated && currentToken() === token) lock();
    }
    clearTimeout(timer);
    if (page.aborted) return;
    become({ ...current, state: 'away' });
    await pause(Math.min(500 * 2 ** failures++, LONGEST_PAUSE_MS), page);
  }
}

function take(stats: Stats): void {
  setClock(Number(stats.timeMs));
  become({ state: 'live', latest: stats, history: [...current.history.slice(1 - HISTORY), stats] });
}

function become(next: LiveStats): void {
  current = next;
  for (const listener of listeners) listener();
}

function unlocked(page: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (currentSession().locked && !page.aborted) return;
      stop();
      resolve();
    };
    const stop = onSession(look);
    page.addEventListener('abort', look, { once: true });
    look();
  });
}

function pause(ms: number, page: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = AbortSignal.any([page, AbortSignal.timeout(ms)]);
    over.addEventListener('abort', () => resolve(), { once: true });
  });
}
