import { create } from '@bufbuild/protobuf';
import type { ServerUnaryCall, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import {
  type AcquireRequest,
  type AcquireResponse,
  AcquireResponseSchema,
  Locks as LocksDesc,
  type ReleaseRequest,
  type ReleaseResponse,
  ReleaseResponseSchema,
  type RenewRequest,
  type RenewResponse,
  RenewResponseSchema,
} from '@waybill/proto/waybill/v1/locks';
import type { LockDesk } from '../../bus/lock-desk.js';
import { checkLockName, formatLockToken, MAX_LOCK_TTL_MS, MIN_LOCK_TTL_MS, parseLockToken } from '../../model/lock.js';
import type { Clock } from '../../ports/clock.js';
import type { Logger } from '../../ports/logger.js';
import type { Callers } from '../access/guard.js';
import { abortControllerOf, deadlineOf } from './call.js';
import { checkRange } from './convert.js';
import { complete, method } from './definition.js';
import { unary } from './unary.js';

export const locksDefinition: ServiceDefinition = complete(LocksDesc, {
  acquire: method(LocksDesc.method.acquire),
  renew: method(LocksDesc.method.renew),
  release: method(LocksDesc.method.release),
});

const MAX_WAIT_MS = 3_600_000;

/** `waybill.v1.Locks`: checks and converts; the desk does the work. */
export class LocksService {
  constructor(
    private readonly desk: LockDesk,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly callers: Callers,
  ) {}

  implementation(): UntypedServiceImplementation {
    return {
      acquire: unary(this.logger, (call: ServerUnaryCall<AcquireRequest, AcquireResponse>) => this.#acquire(call)),
      renew: unary(this.logger, async ({ request }: ServerUnaryCall<RenewRequest, RenewResponse>) => {
        const key = parseLockToken(request.token, 'token');
        const expireAt = await this.desk.renew(key, checkTtl(request.ttlMs));
        return create(RenewResponseSchema, { expireTimeMs: BigInt(expireAt) });
      }),
      release: unary(this.logger, async ({ request }: ServerUnaryCall<ReleaseRequest, ReleaseResponse>) => {
        const key = parseLockToken(request.token, 'token');
        return create(ReleaseResponseSchema, { released: await this.desk.release(key) });
      }),
    };
  }

  async #acquire(call: ServerUnaryCall<AcquireRequest, AcquireResponse>): Promise<AcquireResponse> {
    const { name, ttlMs, waitMs } = call.request;
    checkLockName(name, 'name');
    const ttl = checkTtl(ttlMs);
    const wait = Number(waitMs);
    checkRange('WAIT_INVALID', 'wait_ms', wait, 0, MAX_WAIT_MS, 'ms');
    const now = this.clock.now();
    const until = Math.min(now + wait, deadlineOf(call, now, MAX_WAIT_MS));
    const { signal } = abortControllerOf(call);
    const holder = this.callers.of(call).name || call.getPeer();
    const lock = await this.desk.acquire(name, { ttlMs: ttl, until, signal, holder });
    if (lock === undefined) return create(AcquireResponseSchema, { acquired: false });
    return create(AcquireResponseSchema, {
      acquired: true,
      lock: {
        name,
        token: formatLockToken(lock),
        fence: BigInt(lock.fence),
        expireTimeMs: BigInt(lock.expireAt),
      },
    });
  }
}

function checkTtl(ttlMs: bigint): number {
  const ttl = Number(ttlMs);
  checkRange('TTL_INVALID', 'ttl_ms', ttl, MIN_LOCK_TTL_MS, MAX_LOCK_TTL_MS, 'ms (24 hours)');
  return ttl;
}
