import { create } from '@bufbuild/protobuf';
import { type ServerUnaryCall, type sendUnaryData, status, type UntypedServiceImplementation } from '@grpc/grpc-js';
import {
  type AcquireRequest,
  AcquireResponseSchema,
  type ReleaseRequest,
  ReleaseResponseSchema,
  type RenewRequest,
  RenewResponseSchema,
} from '@waybill/proto/waybill/v1/locks';
import { faultOf } from './fault.js';

/**
 * `waybill.v1.Locks` in memory, for tests of this client's behaviour. A call that waits looks again every few milliseconds, and
 * takes nothing once its caller is gone.
 */
export class TestingLocks {
  /** By name. */
  readonly held = new Map<string, { readonly token: string; until: number }>();
  /** The calls that came, in order: `acquire jobs`, `renew`, `release`. */
  readonly calls: string[] = [];
  /** The store of the locks cannot be reached. */
  away = false;
  #fence = 0;

  implementation(): UntypedServiceImplementation {
    return {
      acquire: this.#unary(async (request: AcquireRequest, call) => {
        this.calls.push(`acquire ${request.name}`);
        const end = Date.now() + Number(request.waitMs);
        while (this.#isHeld(request.name) || call.cancelled) {
          if (call.cancelled || Date.now() >= end) return create(AcquireResponseSchema);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        const { name } = request;
        const fence = BigInt(++this.#fence);
        const token = `token-${fence}`;
        this.held.set(name, { token, until: Date.now() + Number(request.ttlMs) });
        return create(AcquireResponseSchema, { acquired: true, lock: { name, token, fence } });
      }),
      renew: this.#unary(async ({ token, ttlMs }: RenewRequest) => {
        this.calls.push('renew');
        const holding = [...this.held.values()].find((one) => one.token === token && one.until > Date.now());
        if (holding === undefined) {
          throw faultOf({ code: status.FAILED_PRECONDITION, details: 'it ran out', reason: 'LOCK_LOST' });
        }
        holding.until = Date.now() + Number(ttlMs);
        return create(RenewResponseSchema, { expireTimeMs: BigInt(holding.until) });
      }),
      release: this.#unary(async ({ token }: ReleaseRequest) => {
        this.calls.push('release');
        const found = [...this.held].find(([, one]) => one.token === token);
        return create(ReleaseResponseSchema, { released: found !== undefined && this.held.delete(found[0]) });
      }),
    };
  }

  #isHeld(name: string): boolean {
    return (this.held.get(name)?.until ?? 0) > Date.now();
  }

  #unary<I, O>(handle: (request: I, call: { readonly cancelled: boolean }) => Promise<O>) {
    return (call: ServerUnaryCall<I, O>, callback: sendUnaryData<O>) => {
      if (this.away) {
        callback(faultOf({ code: status.UNAVAILABLE, details: 'Redis is away', reason: 'LOCKS_UNAVAILABLE' }));
        return;
      }
      handle(call.request, call).then(
        (response) => callback(null, response),
        (error: Error) => callback(error),
      );
    };
  }
}
