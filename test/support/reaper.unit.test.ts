import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { tempFolder } from './reaper.js';

const program = fileURLToPath(new URL('./reaper-process.mjs', import.meta.url));

function sleeper(): ChildProcess {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

test('when its pipe closes the reaper ends and removes what it still keeps, and nothing else', async () => {
  const kept = sleeper();
  const dropped = sleeper();
  const folder = tempFolder('reaper');
  const made = tempFolder('reaper-command');
  onTestFinished(() => made.remove());
  const reaper = spawn(process.execPath, [program], { stdio: ['pipe', 'inherit', 'inherit'] });
  const lines = [
    { keep: { process: kept.pid } },
    { keep: { process: dropped.pid } },
    { keep: { folder: folder.path } },
    { keep: { command: [process.execPath, '-e', `fs.writeFileSync(${JSON.stringify(join(made.path, 'ran'))}, '')`] } },
    { drop: { process: dropped.pid } },
  ];
  const ended = once(kept, 'exit');
  reaper.stdin.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  await once(reaper, 'exit');
  await ended;
  expect(kept.signalCode).toBe('SIGKILL');
  expect(dropped.exitCode ?? dropped.signalCode).toBeNull();
  expect(existsSync(folder.path)).toBe(false);
  expect(existsSync(join(made.path, 'ran'))).toBe(true);
});
