import { X } from 'lucide-react';
import { useSyncExternalStore } from 'react';
import { Button } from './button.js';

interface Toast {
  readonly id: number;
  readonly text: string;
}

const SHOWN_MS = 8_000;
const MOST = 3;

const listeners = new Set<() => void>();
let toasts: readonly Toast[] = [];
let nextId = 1;

/** Says what was done, for a while. What failed is told where it was asked for, and stays. */
export function say(text: string): void {
  const toast = { id: nextId++, text };
  become([...toasts.slice(1 - MOST), toast]);
  setTimeout(() => dismiss(toast.id), SHOWN_MS);
}

function dismiss(id: number): void {
  become(toasts.filter((toast) => toast.id !== id));
}

function become(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  return (
    <div className="toasts" role="status" aria-label="What was done">
      {shown.map(({ id, text }) => (
        <div className="toast" key={id}>
          {text}
          <Button kind="quiet" size="small" label="Dismiss" onPress={() => dismiss(id)}>
            <X size={14} aria-hidden />
          </Button>
        </div>
      ))}
    </div>
  );
}
