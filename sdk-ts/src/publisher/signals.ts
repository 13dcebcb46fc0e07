import type { Pending } from './pending.js';

/** One listener a signal, however many messages were published with it: Node warns of a leak past ten. */
export class Signals {
  readonly #listening = new Map<AbortSignal, { readonly entries: Set<Pending>; readonly abort: () => void }>();

  /** `aborted` is called for every entry that is still listening when its signal aborts. */
  constructor(readonly aborted: (entry: Pending, reason: unknown) => void) {}

  /** Until `entry.unlisten` is called. */
  listen(entry: Pending, signal: AbortSignal): void {
    const { entries } = this.#listening.get(signal) ?? this.#start(signal);
    entries.add(entry);
    entry.unlisten = () => {
      entries.delete(entry);
      if (entries.size === 0) this.#stop(signal);
    };
  }

  #start(signal: AbortSignal) {
    const entries = new Set<Pending>();
    const abort = () => {
      for (const entry of entries) this.aborted(entry, signal.reason);
    };
    const listening = { entries, abort };
    signal.addEventListener('abort', abort, { once: true });
    this.#listening.set(signal, listening);
    return listening;
  }

  #stop(signal: AbortSignal): void {
    const listening = this.#listening.get(signal);
    if (listening === undefined) return;
    signal.removeEventListener('abort', listening.abort);
    this.#listening.delete(signal);
  }
}
