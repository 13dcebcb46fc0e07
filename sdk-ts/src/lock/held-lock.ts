import { create } from '@bufbuild/protobuf';
import { Locks, ReleaseRequestSchema } from '@waybill/proto/waybill/v1/locks';
import { LockLostError } from '../errors.js';
import { type Connection, isUnavailable } from '../grpc/connection.js';
import { methodDefinition } from '../grpc/definition.js';
import { pause } from '../pause.js';
import type { Lock } from './lock.js';
import { type LockGrant, renew } from './renew.js';

const RELEASE = methodDefinition(Locks.method.release);

/** The pause after a renewal that failed, at the most; shorter where the lock is. */
const AGAIN_MS = 500;

/**
 * A lock, and what keeps it.
 *
 *   held ─ a third of the ttl ─▶ renewing ─ answered ─▶ held
 *    │                              └── no answer before it ran out, or refused ──▶ lost
 *    └── release ─▶ released
 */
export class HeldLock implements Lock {
  readonly name: string;
  readonly fence: number;
  /** Resolves when it is released or lost. */
  readonly ended: Promise<void>;
  readonly #connection: Connection;
  readonly #grant: LockGrant;
  readonly #ttlMs: number;
  readonly #lost = new AbortController();
  readonly #released = new AbortController();
  #releasing: Promise<void> | undefined;
  /** When it runs out, by this process's own clock, which no clock of another machine moves. */
  #until: number;

  /** `since`: when its time began, or before, by `performance.now()`. */
  constructor(connection: Connection, grant: LockGrant, ttlMs: number, since: number) {
    this.#connection = connection;
    this.name = grant.name;
    this.fence = Number(grant.fence);
    this.#grant = grant;
    this.#ttlMs = ttlMs;
    this.#until = since + ttlMs;
    this.ended = this.#keep(since).then(() => this.#releasing);
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Tries for so long. */
  release(withinMs = this.#connection.options.deadlineMs): Promise<void> {
    this.#releasing ??= this.#release(withinMs);
    return this.#releasing;
  }

  async #release(withinMs: number): Promise<void> {
    this.#released.abort();
    if (this.#lost.signal.aborted) return;
    const timeoutMs = Math.min(withinMs, this.#until - performance.now());
    if (timeoutMs <= 0) return;
    const request = create(ReleaseRequestSchema, { token: this.#grant.token });
    await this.#connection.unary(RELEASE, request, { timeoutMs, repeat: isUnavailable }).catch(() => {});
  }

  async #keep(since: number): Promise<void> {
    const { signal } = this.#released;
    let renewAt = since + this.#ttlMs / 3;
    while (!signal.aborted) {
      await pause(Math.max(0, renewAt - performance.now()), signal).catch(() => {});
      if (signal.aborted) return;
      const leftMs = this.#until - performance.now();
      try {
        if (leftMs <= 0) throw new LockLostError(this.name);
        const renewedAt = await renew(this.#connection, this.#grant, this.#ttlMs, leftMs, signal);
        this.#until = renewedAt + this.#ttlMs;
        renewAt = renewedAt + this.#ttlMs / 3;
      } catch (error) {
        if (signal.aborted) return;
        const over = error instanceof LockLostError || this.#connection.closed || performance.now() >= this.#until;
        if (over) {
          this.#lost.abort(error instanceof LockLostError ? error : new LockLostError(this.name, error));
          return;
        }
        renewAt = performance.now() + Math.min(AGAIN_MS, this.#ttlMs / 10);
      }
    }
  }
}
