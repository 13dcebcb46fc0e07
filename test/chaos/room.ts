import { execFile } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { tempFolder } from '../support/reaper.js';
import { thisMachine } from '../support/services/machine.js';
import type { Stage } from './stage.js';

const run = promisify(execFile);

/** Where an embedded gateway keeps its data, and whose room a scenario can take away. */
export interface Room {
  readonly folder: string;
  /** From now on there is no room for another byte. `pid`: who writes. */
  fill(pid: number): Promise<void>;
  free(pid: number): Promise<void>;
}

/** A disk of its own where this process may mount one; else a limit of the system's on how large a file of the gateway may get. */
export async function room(stage: Stage, bytes: number): Promise<Room> {
  const { path, remove } = tempFolder('room');
  stage.atEnd(async () => remove());
  if (!thisMachine.isRoot) return limited(path);
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path]).then(
    () => true,
    () => false,
  );
  if (!mounted) return limited(path);
  stage.atEnd(() => run('umount', ['--lazy', path]));
  return disk(path);
}

function disk(folder: string): Room {
  const filler = join(folder, 'filler');
  return {
    folder,
    async fill() {
      const file = openSync(filler, 'w');
      const block = Buffer.alloc(4_096, 'f');
      try {
        for (;;) writeSync(file, block);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      } finally {
        closeSync(file);
      }
    },
    async free() {
      rmSync(filler);
    },
  };
}

/** Node ignores the signal that goes with the limit, so that the write fails as on a disk that is full. */
function limited(folder: string): Room {
  const limit = (pid: number, fsize: string) => run('prlimit', ['--pid', String(pid), `--fsize=${fsize}:`]);
  return {
    folder,
    async fill(pid) {
      await limit(pid, '4096');
    },
    async free(pid) {
      await limit(pid, 'unlimited');
    },
  };
}
