// Runs beside a test process and outlives it for a moment: when the pipe closes (the test process ended, be it by
// SIGKILL), ends what is still in the list. Lines: {"keep":entry} puts an entry in the list, {"drop":entry} takes it out.
// Entries: {"process":pid} (the leader of its own group), {"command":[program, ...args]}, {"folder":path}.
import { spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { removeFolder } from './remove-folder.mjs';

const kept = new Map();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const { keep, drop } = JSON.parse(line);
  if (keep) kept.set(JSON.stringify(keep), keep);
  if (drop) kept.delete(JSON.stringify(drop));
}

for (const { process: pid } of kept.values()) {
  if (pid === undefined) continue;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
for (const { command } of kept.values()) {
  if (command) spawnSync(command[0], command.slice(1), { stdio: 'ignore' });
}
for (const { folder } of kept.values()) {
  if (folder) removeFolder(folder);
}
