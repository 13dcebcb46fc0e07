/** Bytes of a file that were written and not yet synced: what a disk may have, or not, or half, when the power goes. */
export interface Unsynced {
  readonly at: number;
  readonly length: number;
}

/** By file: what was written since its last sync that succeeded, by a trace of `strace -f -y` with pwrite64, fsync and fdatasync. */
export function unsyncedIn(trace: string): Map<string, Unsynced[]> {
  const files = new Map<string, Unsynced[]>();
  /** Calls that another thread interrupted in the trace, by thread. */
  const begun = new Map<string, string>();
  for (const line of trace.split('\n')) {
    const [, thread = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (text.endsWith('<unfinished ...>')) {
      begun.set(thread, text);
      // A write that was not seen to end may have been made.
      note(files, text, undefined);
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>.*= (-?\d+)/.exec(text);
    if (resumed !== null) note(files, begun.get(thread) ?? '', Number(resumed[1]));
    else note(files, text, Number(/= (-?\d+)[^=]*$/.exec(text)?.[1] ?? -1));
  }
  return files;
}

/** `result` is undefined for a call that has not ended. */
function note(files: Map<string, Unsynced[]>, call: string, result: number | undefined): void {
  const [, name = '', path = ''] = /^(\w+)\(\d+<([^>]*)>/.exec(call) ?? [];
  if (name === 'pwrite64') {
    const [, length = 0, at = 0] = /, (\d+), (\d+)(?:\)| <unfinished)/.exec(call) ?? [];
    const writes = files.get(path) ?? [];
    files.set(path, writes);
    writes.push({ at: Number(at), length: Number(length) });
  } else if (name !== '' && result === 0) {
    files.delete(path);
  }
}
