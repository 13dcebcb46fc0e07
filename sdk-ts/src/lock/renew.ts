import { create } from '@bufbuild/protobuf';
import { Locks, RenewRequestSchema } from '@waybill/proto/waybill/v1/locks';
import { LockLostError, WaybillError } from '../errors.js';
import { type Connection, isUnavailable } from '../grpc/connection.js';
import { methodDefinition } from '../grpc/definition.js';

const RENEW = methodDefinition(Locks.method.renew);

/** A lock as the gateways know it. */
export interface LockGrant {
  readonly name: string;
  readonly token: string;
  readonly fence: bigint;
}

/**
 * Holds a lock for `ttlMs` from when this was called: answers when that was, by `performance.now()`. Tried again until `timeoutMs`
 * have passed. Rejects with LockLostError when it is not held any more.
 */
export async function renew(
  connection: Connection,
  { name, token }: LockGrant,
  ttlMs: number,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<number> {
  const asked = performance.now();
  const request = create(RenewRequestSchema, { token, ttlMs: BigInt(ttlMs) });
  try {
    await connection.unary(RENEW, request, { timeoutMs, repeat: isUnavailable, signal });
  } catch (error) {
    throw error instanceof WaybillError && error.reason === 'LOCK_LOST' ? new LockLostError(name, error) : error;
  }
  return asked;
}
