import { useEffect } from 'react';

export interface Shortcut {
  /** One key, or two that follow each other: `g t`. */
  readonly keys: string;
  readonly does: string;
  readonly run: () => void;
}

/** Between the two keys of a shortcut. */
const SEQUENCE_MS = 1_500;

/** Keys that belong to a field, a dialog or a menu stay theirs. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  useEffect(() => {
    let first = '';
    let firstAt = 0;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isBusy(event.target)) return;
      const pair = performance.now() - firstAt < SEQUENCE_MS ? `${first} ${event.key}` : event.key;
      const found = shortcuts.find(({ keys }) => keys === pair) ?? shortcuts.find(({ keys }) => keys === event.key);
      first = event.key;
      firstAt = performance.now();
      if (found === undefined) return;
      first = '';
      event.preventDefault();
      found.run();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [shortcuts]);
}

function isBusy(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest(
      'input, textarea, select, [role="dialog"], [role="alertdialog"], [role="menu"], [role="listbox"]',
    ) !== null
  );
}

/** The first field that narrows what the page shows. */
export function focusFilter(): void {
  document.querySelector<HTMLElement>('main form input')?.focus();
}

/** Walks the rows of the page's tables: the first link of each. */
export function focusRow(step: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLElement>('main tbody tr')].flatMap(
    (row) => row.querySelector<HTMLElement>('a') ?? [],
  );
  const at = links.findIndex((link) => link.closest('tr')?.contains(document.activeElement));
  const next = at < 0 ? (step === 1 ? 0 : links.length - 1) : at + step;
  links[next]?.focus();
}
