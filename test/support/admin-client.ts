import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { ServiceError } from '@grpc/grpc-js';
import { Admin, type Stats } from '@waybill/proto/waybill/v1/admin';
import { type Refusal, refusalOf } from '../bad-input/error-info.js';
import { type Access, type Method, RpcClient } from './rpc.js';

const CALL_MS = 30_000;

/** `waybill.v1.Admin` by one gateway, call by call. */
export class AdminClient {
  readonly #rpc: RpcClient;

  /** `host:port`. */
  constructor(url: string, access: Access = {}) {
    this.#rpc = new RpcClient(url, access);
  }

  call<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    deadlineMs = CALL_MS,
  ): Promise<MessageShape<O>> {
    return this.#rpc.call(method, request, deadlineMs);
  }

  /** How the call was refused; throws when it was not. */
  async refusal<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
  ): Promise<Refusal> {
    try {
      await this.call(method, request);
    } catch (error) {
      if (isServiceError(error)) return refusalOf(error);
      throw error;
    }
    throw new Error(`${method.name} was not refused`);
  }

  /** The first `count` figures of `WatchStats`. */
  watch(count: number, intervalMs: number): Promise<Stats[]> {
    const call = this.#rpc.serverStream(Admin.method.watchStats, { intervalMs });
    return new Promise((resolve, reject) => {
      const seen: Stats[] = [];
      call.on('data', ({ stats }) => {
        if (stats === undefined || seen.length === count) return;
        if (seen.push(stats) < count) return;
        call.cancel();
        resolve(seen);
      });
      call.on('error', (error) => (seen.length === count ? undefined : reject(error)));
      call.on('end', () => reject(new Error('the stream ended')));
    });
  }

  close(): void {
    this.#rpc.close();
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'metadata' in error;
}
