import { create } from '@bufbuild/protobuf';
import { AcquireRequestSchema, Locks } from '@waybill/proto/waybill/v1/locks';
import { Backoff } from '../backoff.js';
import { type Duration, milliseconds } from '../duration.js';
import { LockHeldError, LockLostError, UnavailableError } from '../errors.js';
import type { Connection } from '../grpc/connection.js';
import { methodDefinition } from '../grpc/definition.js';
import { pause } from '../pause.js';
import { HeldLock } from './held-lock.js';
import type { LockOptions } from './lock.js';
import { renew } from './renew.js';

const ACQUIRE = methodDefinition(Locks.method.acquire);

const MIN_TTL_MS = 100;
const MAX_TTL_MS = 86_400_000;
const MAX_WAIT_MS = 3_600_000;

/**
 * Takes a lock, or waits for it. A gateway that goes away while one waits is no reason to stop waiting: another one is asked.
 * Rejects with LockHeldError, UnavailableError, OverloadedError, or the signal's reason.
 */
export async function acquire(
  connection: Connection,
  name: string,
  ttl: Duration,
  { wait, signal }: LockOptions,
): Promise<HeldLock> {
  const { deadlineMs } = connection.options;
  const ttlMs = milliseconds(ttl, 'ttl', MIN_TTL_MS, MAX_TTL_MS);
  const waitMs = wait === undefined ? Math.min(deadlineMs, MAX_WAIT_MS) : milliseconds(wait, 'wait', 0, MAX_WAIT_MS);
  const end = performance.now() + waitMs;
  const backoff = new Backoff();
  for (;;) {
    const asked = performance.now();
    const leftMs = Math.max(0, Math.round(end - asked));
    const request = create(AcquireRequestSchema, { name, ttlMs: BigInt(ttlMs), waitMs: BigInt(leftMs) });
    try {
      const { lock } = await connection.unary(ACQUIRE, request, {
        timeoutMs: leftMs + deadlineMs,
        repeat: false,
        signal,
      });
      if (lock === undefined) throw new LockHeldError(name);
      // Its time began some time in the wait. Where that was long, a renewal tells it better.
      const known = performance.now() - asked < ttlMs / 3;
      const since = known ? asked : await renew(connection, lock, ttlMs, ttlMs, signal);
      return new HeldLock(connection, lock, ttlMs, since);
    } catch (error) {
      const again = backoff.next();
      const mendable = error instanceof UnavailableError || error instanceof LockLostError;
      if (!mendable || performance.now() + again >= end) throw error;
      await pause(again, signal);
    }
  }
}
