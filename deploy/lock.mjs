import { readFileSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const BEAT_MS = 2_000;
const STALE_MS = 30_000;

/**
 * Does the work while this process alone holds the lock file.
 *
 * The file holds the owner's pid, and the owner touches it every two seconds. A lock is stale when its owner is gone, or
 * has not touched it for 30 seconds (the pid belongs to another process by now). Who takes a stale lock over holds the
 * `.takeover` file meanwhile: without it two waiters could each remove "the stale lock", the second one a live lock.
 */
export async function withLock(path, work, { onWait = () => {} } = {}) {
  for (let waited = 0; !acquire(path); waited++) {
    if (waited === 0) onWait(ownerOf(path));
    if (isStale(path)) takeOver(path);
    else await delay(100);
  }
  const beat = setInterval(() => touch(path), BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    // A process that was frozen for long has lost the lock to another.
    if (ownerOf(path) === process.pid) unlinkIfThere(path);
  }
}

function acquire(path) {
  try {
    writeFileSync(path, `${process.pid}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function touch(path) {
  if (ownerOf(path) === process.pid) utimesSync(path, new Date(), new Date());
}

function takeOver(path) {
  const takeover = `${path}.takeover`;
  if (!acquire(takeover)) {
    if (isStale(takeover)) unlinkIfThere(takeover);
    return;
  }
  if (isStale(path)) unlinkIfThere(path);
  unlinkIfThere(takeover);
}

function ownerOf(path) {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return 0;
  }
}

function isStale(path) {
  try {
    const silentMs = Date.now() - statSync(path).mtimeMs;
    const owner = ownerOf(path);
    // The owner creates the file and writes its pid in two steps: an empty file is young, not stale.
    return silentMs > STALE_MS || (owner > 0 && !isRunning(owner));
  } catch {
    return false;
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function unlinkIfThere(path) {
  try {
    unlinkSync(path);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}
