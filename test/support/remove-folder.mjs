import { rmSync } from 'node:fs';

const TRIES = 50;
const PAUSE_MS = 100;

/**
 * Removes a folder in which a process that was killed may write its last. `rmSync` lists a folder once and then tries only
 * to remove that: what comes after its list stays for good.
 */
export function removeFolder(path) {
  for (let left = TRIES; ; left--) {
    try {
      rmSync(path, { recursive: true, force: true });
      return;
    } catch (error) {
      if (left === 0) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}
