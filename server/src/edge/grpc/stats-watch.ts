import { create } from '@bufbuild/protobuf';
import type { ServerWritableStream } from '@grpc/grpc-js';
import {
  type WatchStatsRequest,
  type WatchStatsResponse,
  WatchStatsResponseSchema,
} from '@waybill/proto/waybill/v1/admin';
import type { Stats } from '../../bus/admin/stats.js';
import type { Limit } from '../../bus/limit.js';
import { BusError } from '../../model/errors.js';
import type { Logger } from '../../ports/logger.js';
import { fromStats } from './admin-convert.js';
import { invalid, toInterval } from './admin-request.js';
import { refuseStream, toServiceError } from './status.js';

export type WatchCall = ServerWritableStream<WatchStatsRequest, WatchStatsResponse>;

/** `WatchStats`: figures again and again, until the client goes away. A client that reads slowly gets fewer. */
export class StatsWatches {
  readonly #open = new Set<() => void>();
  #draining = false;

  constructor(
    private readonly stats: Stats,
    private readonly logger: Logger,
    /** Of all streams. */
    private readonly limit: Limit,
  ) {}

  open(call: WatchCall): void {
    let intervalMs: number;
    try {
      if (call.request instanceof BusError) throw call.request;
      if (this.#draining) throw new BusError('DRAINING', 'this gateway is shutting down: use another one');
      intervalMs = toInterval(call.request.intervalMs);
      this.limit.enter();
    } catch (error) {
      refuseStream(call, error, this.logger);
      return;
    }
    const close = () => {
      if (!this.#open.delete(end)) return;
      clearInterval(timer);
      this.limit.leave();
    };
    const end = () => {
      close();
      call.end();
    };
    const fail = (error: unknown) => {
      close();
      call.emit('error', toServiceError(error, this.logger));
    };
    let ready = true;
    const tell = async () => {
      if (!ready) return;
      ready = false;
      const stats = await this.stats.of(call.request.node);
      if (stats === undefined) throw invalid('node', 'the name of a gateway that runs, or nothing');
      if (!this.#open.has(end)) return;
      ready = call.write(create(WatchStatsResponseSchema, { stats: fromStats(stats) }));
    };
    const timer = setInterval(() => tell().catch(fail), intervalMs);
    this.#open.add(end);
    call.on('drain', () => {
      ready = true;
    });
    call.on('cancelled', close);
    call.on('close', close);
    call.on('error', close);
    tell().catch(fail);
  }

  drain(): void {
    this.#draining = true;
    for (const end of [...this.#open]) end();
  }
}
