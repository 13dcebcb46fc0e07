import { type Lock, Locks } from '@waybill/proto/waybill/v1/locks';
import { type Access, RpcClient } from './rpc.js';

export interface HeldLock {
  readonly token: string;
  readonly fence: number;
  readonly expireTimeMs: number;
}

const CALL_MS = 20_000;

/** `waybill.v1.Locks` by one gateway, call by call. */
export class LockClient {
  readonly #rpc: RpcClient;

  /** `host:port`. */
  constructor(url: string, access: Access = {}) {
    this.#rpc = new RpcClient(url, access);
  }

  /** Undefined when somebody else has it. */
  async acquire(name: string, ttlMs: number, waitMs = 0, deadlineMs = CALL_MS): Promise<HeldLock | undefined> {
    const request = { name, ttlMs: BigInt(ttlMs), waitMs: BigInt(waitMs) };
    const { acquired, lock } = await this.#rpc.call(Locks.method.acquire, request, deadlineMs);
    if (acquired !== (lock !== undefined)) throw new Error(`acquired is ${acquired}, and lock says otherwise`);
    return lock === undefined ? undefined : toHeld(lock);
  }

  /** Answers when it runs out now, in Unix milliseconds. */
  async renew(token: string, ttlMs: number): Promise<number> {
    const { expireTimeMs } = await this.#rpc.call(Locks.method.renew, { token, ttlMs: BigInt(ttlMs) }, CALL_MS);
    return Number(expireTimeMs);
  }

  /** False when it was not held any more. */
  async release(token: string): Promise<boolean> {
    return (await this.#rpc.call(Locks.method.release, { token }, CALL_MS)).released;
  }

  close(): void {
    this.#rpc.close();
  }
}

function toHeld({ token, fence, expireTimeMs }: Lock): HeldLock {
  return { token, fence: Number(fence), expireTimeMs: Number(expireTimeMs) };
}
