import type { ServerDuplexStream } from '@grpc/grpc-js';
import { type PublishStreamResponse, PublishStreamResponseSchema } from '@waybill/proto/waybill/v1/bus';
import type { Bus } from '../../bus/bus.js';
import type { Limit } from '../../bus/limit.js';
import type { Clock } from '../../ports/clock.js';
import type { Logger } from '../../ports/logger.js';
import type { Guard } from '../access/guard.js';
import { checkCount, fromPublishResult, MAX_BATCH } from './convert.js';
import type { PublishInput } from './publish-codec.js';
import { refuseStream, toServiceError } from './status.js';

export type PublishCall = ServerDuplexStream<PublishInput, PublishStreamResponse>;

/** Requests of one stream under way; past it the stream is not read, and HTTP/2 tells the client to wait. */
const MAX_UNDER_WAY = 256;

export interface PublishStreamOptions {
  readonly publishTimeoutMs: number;
  /** Of all streams. */
  readonly streams: Limit;
  readonly guard: Guard;
}

/** `PublishStream`: every request on its own, answered when its messages are. */
export class PublishStreams {
  /** How each open stream is ended: it reads no more, and answers what it has read. */
  readonly #open = new Set<() => void>();

  constructor(
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly options: PublishStreamOptions,
  ) {}

  get size(): number {
    return this.#open.size;
  }

  drain(): void {
    for (const end of this.#open) end();
  }

  open(call: PublishCall): void {
    try {
      this.options.streams.enter();
    } catch (error) {
      refuseStream(call, error, this.logger);
      return;
    }
    // It is told when the stream ended, whichever way.
    call.once('close', () => this.options.streams.leave());
    let underWay = 0;
    let ended = false;
    const end = () => {
      call.pause();
      ended = true;
      if (underWay === 0) call.end();
    };
    this.#open.add(end);
    call.once('close', () => this.#open.delete(end));
    call.on('data', (input: PublishInput) => {
      if (++underWay === MAX_UNDER_WAY) call.pause();
      this.#answer(call, input).then(
        () => {
          if (underWay-- === MAX_UNDER_WAY && !ended) call.resume();
          if (ended && underWay === 0) call.end();
        },
        (error: unknown) => {
          // grpc-js sends the status of an emitted error; destroy() would drop it.
          call.emit('error', toServiceError(error, this.logger));
        },
      );
    });
    call.on('end', end);
    call.on('error', (error) => this.logger.debug({ error }, 'a publish stream broke'));
  }

  /** Rejects when the request itself is wrong: the stream ends with its status. */
  async #answer(call: PublishCall, { sequence, messages, fault }: PublishInput): Promise<void> {
    if (fault !== undefined) throw fault;
    checkCount(messages.length, 'messages', MAX_BATCH);
    const { publishTimeoutMs, guard } = this.options;
    const limited = guard.messagesLimited(call, messages.length);
    const refusal = limited === undefined ? guard.of(call).publishRefusal : () => limited;
    const results = await this.bus.publish(messages, 'messages', this.clock.now() + publishTimeoutMs, refusal);
    if (call.cancelled || call.destroyed) return;
    call.write({
      $typeName: PublishStreamResponseSchema.typeName,
      sequence,
      results: results.map((result) => fromPublishResult(result, this.logger)),
    });
  }
}
