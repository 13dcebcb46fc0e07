import type { Lock, LockScope } from './lock.js';

/** Runs `fn` while the lock is held, and releases it. Rejects with what `fn` throws, or with the loss of the lock. */
export async function underLock<T>(lock: Lock, fn: (lock: LockScope) => T | Promise<T>): Promise<T> {
  try {
    const result = await fn(lock);
    lock.signal.throwIfAborted();
    return result;
  } finally {
    await lock.release();
  }
}
