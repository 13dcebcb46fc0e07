import { useSyncExternalStore } from 'react';

export type Theme = 'light' | 'dark';

const KEY = 'waybill-theme';
const listeners = new Set<() => void>();
const system = window.matchMedia('(prefers-color-scheme: dark)');

// Until the operator has chosen, the page goes with the system; public/theme.js did so before the first paint.
system.addEventListener('change', () => chosen() || show(system.matches ? 'dark' : 'light'));

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, current);
}

export function switchTheme(): void {
  const next = current() === 'dark' ? 'light' : 'dark';
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // Storage is closed to this page: the choice lasts until it is loaded anew.
  }
  show(next);
}

function current(): Theme {
  return document.documentElement.dataset.theme === 'dark' ? 'dark' : 'light';
}

function chosen(): boolean {
  try {
    return localStorage.getItem(KEY) !== null;
  } catch {
    return false;
  }
}

function show(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
