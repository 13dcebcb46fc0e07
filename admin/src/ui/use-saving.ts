import { useState } from 'react';

export interface Saving {
  readonly busy: boolean;
  /** Why the last try failed. */
  readonly error: unknown;
  readonly save: (work: () => Promise<void>) => void;
}

/** A form that is being sent: once at a time, and what went wrong stays to be read. */
export function useSaving(): Saving {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const run = async (work: () => Promise<void>) => {
    if (busy) return;
    setBusy(true);
    setError(undefined);
    try {
      await work();
    } catch (fault) {
      setError(fault);
    }
    setBusy(false);
  };
  return { busy, error, save: (work) => void run(work) };
}
