import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { removeFolder } from './remove-folder.mjs';

/** What must not outlive this process: a process group, a command that cleans up, a folder. */
type Entry = { process: number } | { command: readonly string[] } | { folder: string };

let pipe: Writable | undefined;

/** Ends or removes the entry when this process ends, however it ends: a test that crashes leaves nothing behind. */
export function keep(entry: Entry): void {
  write({ keep: entry });
}

/** The entry is gone by itself. */
export function drop(entry: Entry): void {
  write({ drop: entry });
}

/** A folder of its own in the system's temp folder. */
export function tempFolder(name: string): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `waybill-${name}-`));
  keep({ folder: path });
  return {
    path,
    remove() {
      removeFolder(path);
      drop({ folder: path });
    },
  };
}

function write(line: { keep: Entry } | { drop: Entry }): void {
  pipe ??= startReaper();
  pipe.write(`${JSON.stringify(line)}\n`);
}

function startReaper(): Writable {
  const program = fileURLToPath(new URL('./reaper-process.mjs', import.meta.url));
  // A group of its own: Ctrl-C ends the tests, and the reaper must see that.
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
  child.unref();
  if (child.stdin instanceof Socket) child.stdin.unref();
  return child.stdin;
}
