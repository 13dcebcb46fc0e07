import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { withLock } from './lock.mjs';

function lockPath() {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-lock-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'lock');
}

test('the lock is gone after the work, also when the work fails', async () => {
  const path = lockPath();
  await expect(withLock(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(existsSync(path)).toBe(false);
});

test('a lock whose owner is dead is taken over', async () => {
  const path = lockPath();
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  writeFileSync(path, `${child.pid}\n`);
  expect(await withLock(path, async () => readFileSync(path, 'utf8'))).toBe(`${process.pid}\n`);
});

test('a lock that its owner no longer touches is taken over, for the pid may be another process by now', async () => {
  const path = lockPath();
  writeFileSync(path, `${process.ppid}\n`);
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(path, longAgo, longAgo);
  await withLock(path, async () => {});
});

test('many processes, of which some are killed in the middle, never work at the same time', async () => {
  const path = lockPath();
  const record = `${path}.record`;
  const script = `
    import { appendFileSync, mkdirSync, rmdirSync } from 'node:fs';
    import { withLock } from ${JSON.stringify(new URL('./lock.mjs', import.meta.url).href)};
    const dies = process.argv[1] === 'dies';
    await withLock(${JSON.stringify(path)}, async () => {
      appendFileSync(${JSON.stringify(record)}, 'in ');
      if (dies) process.kill(process.pid, 'SIGKILL');
      mkdirSync(${JSON.stringify(`${path}.busy`)});
      await new Promise((resolve) => setTimeout(resolve, 5));
      rmdirSync(${JSON.stringify(`${path}.busy`)});
    });`;
  const children = Array.from({ length: 12 }, (_, n) =>
    spawn(process.execPath, ['--input-type=module', '-e', script, n % 4 === 0 ? 'dies' : 'works'], {
      stdio: ['ignore', 'inherit', 'inherit'],
    }),
  );
  const ends = await Promise.all(children.map((child) => once(child, 'exit')));
  const codes = ends.map(([code]) => code);
  expect(codes).toEqual(Array.from({ length: 12 }, (_, n) => (n % 4 === 0 ? null : 0)));
  expect(readFileSync(record, 'utf8')).toBe('in '.repeat(12));
});
