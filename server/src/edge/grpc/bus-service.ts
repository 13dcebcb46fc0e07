import { create } from '@bufbuild/protobuf';
import type { ServerUnaryCall, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import {
  AckResponseSchema,
  Bus as BusDesc,
  type CancelRequest,
  CancelResponseSchema,
  type ExtendRequest,
  ExtendResponseSchema,
  type NackRequest,
  NackResponseSchema,
  type PublishResponse,
  PublishResponseSchema,
  type PullRequest,
  type RejectRequest,
  RejectResponseSchema,
  type RescheduleRequest,
  RescheduleResponseSchema,
  type SettleResult,
} from '@waybill/proto/waybill/v1/bus';
import type { Bus } from '../../bus/bus.js';
import type { Action } from '../../bus/change.js';
import type { Limit } from '../../bus/limit.js';
import { attemptNumber } from '../../model/attempt.js';
import { BusError } from '../../model/errors.js';
import { MAX_ID_LENGTH } from '../../model/message.js';
import { isVisibleAscii } from '../../model/message-codec.js';
import type { RetryPolicy } from '../../model/retry-policy.js';
import { checkTopic } from '../../model/topic.js';
import type { Clock } from '../../ports/clock.js';
import type { Logger } from '../../ports/logger.js';
import type { Watch, WatchedCall } from '../../ports/telemetry.js';
import type { Guard } from '../access/guard.js';
import { Receipts } from '../access/receipts.js';
import { abortControllerOf, deadlineOf } from './call.js';
import {
  checkCount,
  checkRange,
  checkReason,
  fromPublishResult,
  fromSettleStatus,
  MAX_BATCH,
  MAX_RECEIPTS,
  toConsumerRequest,
  toLeaseMs,
  toNack,
} from './convert.js';
import { complete, method } from './definition.js';
import { DeliveryBatch, writePullResponse, writeSubscribeResponse } from './deliveries-codec.js';
import { type PublishInput, readPublishRequest, readPublishStreamRequest } from './publish-codec.js';
import { type PublishCall, PublishStreams } from './publish-stream.js';
import type { SubscribeCall, SubscribeStreams } from './subscribe-stream.js';
import { unary } from './unary.js';

export const busDefinition: ServiceDefinition = complete(BusDesc, {
  publish: method(BusDesc.method.publish, { read: readPublishRequest }),
  publishStream: method(BusDesc.method.publishStream, { read: readPublishStreamRequest }),
  subscribe: method(BusDesc.method.subscribe, { write: writeSubscribeResponse }),
  pull: method(BusDesc.method.pull, { write: writePullResponse }),
  ack: method(BusDesc.method.ack),
  nack: method(BusDesc.method.nack),
  extend: method(BusDesc.method.extend),
  reject: method(BusDesc.method.reject),
  cancel: method(BusDesc.method.cancel),
  reschedule: method(BusDesc.method.reschedule),
});

export interface BusServiceOptions {
  readonly publishTimeoutMs: number;
  readonly maxCredit: number;
  readonly defaultLeaseMs: number;
  readonly defaultRetry: RetryPolicy;
  /** Of all streams. */
  readonly streams: Limit;
  /** Asked about calls that name a trace. */
  readonly watch: Watch | undefined;
  readonly guard: Guard;
}

const MAX_PULL = 1_000;
const MAX_WAIT_MS = 3_600_000;
const DEFAULT_WAIT_MS = 30_000;
const DRAIN_POLL_MS = 20;

/** `waybill.v1.Bus`: checks and converts; the core does the work. */
export class BusService {
  readonly #publishStreams: PublishStreams;
  readonly #receipts: Receipts;
  /** Pulls under way: aborted when the gateway stops, so that none waits until its time is up. */
  readonly #pulls = new Set<AbortController>();
  /** Unary calls that are not answered yet. */
  #underWay = 0;

  constructor(
    private readonly bus: Bus,
    private readonly subscribeStreams: SubscribeStreams,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly options: BusServiceOptions,
  ) {
    this.#publishStreams = new PublishStreams(bus, clock, logger, options);
    this.#receipts = new Receipts(bus.channels);
  }

  /** Ends the publish streams, and waits until all that was read is answered, at most `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    const until = performance.now() + graceMs;
    for (const pull of this.#pulls) pull.abort();
    this.#publishStreams.drain();
    while (this.#underWay + this.#publishStreams.size > 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
  }

  implementation(): UntypedServiceImplementation {
    return {
      publish: this.#unary((call: ServerUnaryCall<PublishInput, PublishResponse>, watched) =>
        this.#publish(call, watched),
      ),
      publishStream: (call: PublishCall) => this.#publishStreams.open(call),
      subscribe: (call: SubscribeCall) => this.subscribeStreams.open(call),
      pull: this.#unary((call: ServerUnaryCall<PullRequest, DeliveryBatch>) => this.#pull(call)),
      ack: this.#settle(AckResponseSchema, () => ({ kind: 'ack' })),
      nack: this.#settle(NackResponseSchema, (request: NackRequest) => toNack(request, '')),
      extend: this.#settle(ExtendResponseSchema, (request: ExtendRequest) => {
        return { kind: 'extend', leaseMs: toLeaseMs(request.leaseSeconds, 'lease_seconds') };
      }),
      reject: this.#settle(RejectResponseSchema, (request: RejectRequest) => {
        checkReason(request.reason, 'reason');
        return { kind: 'reject', reason: request.reason };
      }),
      cancel: this.#unary(async ({ request }: ServerUnaryCall<CancelRequest, unknown>) => {
        checkName(request);
        await this.bus.cancel(request.topic, request.id);
        return create(CancelResponseSchema);
      }),
      reschedule: this.#unary(async ({ request }: ServerUnaryCall<RescheduleRequest, unknown>) => {
        checkName(request);
        const { when } = request;
        const value = Number(when.value ?? 0n);
        if (when.case === undefined) {
          throw new BusError('DELAY_INVALID', 'when takes delay_ms or due_time_ms: neither is set', { field: 'when' });
        }
        const times = when.case === 'delayMs' ? { delayMs: value, dueTimeMs: 0 } : { delayMs: 0, dueTimeMs: value };
        return create(RescheduleResponseSchema, {
          dueTimeMs: BigInt(await this.bus.reschedule(request.topic, request.id, times)),
        });
      }),
    };
  }

  async #publish(
    call: ServerUnaryCall<PublishInput, PublishResponse>,
    watched: WatchedCall | undefined,
  ): Promise<PublishResponse> {
    const { messages, fault } = call.request;
    if (fault !== undefined) throw fault;
    checkCount(messages.length, 'messages', MAX_BATCH);
    const deadline = deadlineOf(call, this.clock.now(), this.options.publishTimeoutMs);
    const { guard } = this.options;
    guard.countMessages(call, messages.length);
    const results = await this.bus.publish(
      messages,
      'messages',
      deadline,
      guard.of(call).publishRefusal,
      watched?.context,
    );
    if (results.every(({ error }) => error !== undefined)) throw results[0]?.error;
    return {
      $typeName: PublishResponseSchema.typeName,
      results: results.map((result) => fromPublishResult(result, this.logger)),
    };
  }

  async #pull(call: ServerUnaryCall<PullRequest, DeliveryBatch>): Promise<DeliveryBatch> {
    const { request } = call;
    const now = this.clock.now();
    const consumer = toConsumerRequest(request, '', this.options.guard.consumerNameOf(call), this.options.defaultRetry);
    const most = Math.min(MAX_PULL, this.options.maxCredit);
    const max = request.maxMessages === 0 ? 1 : request.maxMessages;
    checkRange('BATCH_INVALID', 'max_messages', max, 1, most, 'messages');
    if (request.waitMs !== undefined)
      checkRange('WAIT_INVALID', 'wait_ms', Number(request.waitMs), 0, MAX_WAIT_MS, 'ms');
    const pulled = await this.#untilDrained(call, async (signal) => {
      const channel = await this.bus.channels.open(consumer.topic, consumer.channel, consumer.retry);
      const latest = deadlineOf(call, now, DEFAULT_WAIT_MS);
      return this.bus.pull(channel, {
        consumer: consumer.consumer,
        leaseMs: consumer.leaseMs ?? this.options.defaultLeaseMs,
        max,
        until: request.waitMs === undefined ? latest : Math.min(latest, now + Number(request.waitMs)),
        signal,
      });
    });
    return new DeliveryBatch(
      pulled.map(({ receipt, delivery }) => {
        const { message, attempt, deadline } = delivery;
        return { receipt, wire: message.wire, attempt: attemptNumber(attempt), deadline };
      }),
    );
  }

  async #untilDrained<T>(
    call: ServerUnaryCall<PullRequest, DeliveryBatch>,
    take: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const controller = abortControllerOf(call);
    this.#pulls.add(controller);
    try {
      return await take(controller.signal);
    } finally {
      this.#pulls.delete(controller);
    }
  }

  #settle<Request extends { readonly receipts: string[] }>(
    schema: { readonly typeName: string },
    toAction: (request: Request) => Action,
  ) {
    return this.#unary(async (call: ServerUnaryCall<Request, unknown>) => {
      const { request } = call;
      checkCount(request.receipts.length, 'receipts', MAX_RECEIPTS);
      const deadline = deadlineOf(call, this.clock.now(), Number.POSITIVE_INFINITY);
      const action = toAction(request);
      const who = this.options.guard.of(call);
      const statuses = await this.#receipts.settle(who, request.receipts, (allowed) => {
        return this.bus.settle(allowed, action, deadline);
      });
      const results: SettleResult[] = statuses.map((status, i) => fromSettleStatus(request.receipts[i] ?? '', status));
      return { $typeName: schema.typeName, results };
    });
  }

  #unary<Request, Response>(
    handle: (call: ServerUnaryCall<Request, Response>, watched: WatchedCall | undefined) => Promise<Response>,
  ) {
    return unary(this.logger, async (call: ServerUnaryCall<Request, Response>) => {
      this.#underWay++;
      try {
        if (this.options.watch === undefined) return await handle(call, undefined);
        return await watching(this.options.watch, call, (watched) => handle(call, watched));
      } finally {
        this.#underWay--;
      }
    });
  }
}

/** Follows the call when its metadata name a sampled trace. */
async function watching<T>(
  watch: Watch,
  call: ServerUnaryCall<unknown, unknown>,
  work: (watched: WatchedCall | undefined) => Promise<T>,
): Promise<T> {
  const [traceparent] = call.metadata.get('traceparent');
  if (traceparent === undefined) return work(undefined);
  const [tracestate = ''] = call.metadata.get('tracestate');
  const watched = watch.call(call.getPath().slice(1), traceparent.toString(), tracestate.toString());
  try {
    const result = await work(watched);
    watched?.end();
    return result;
  } catch (error) {
    watched?.end(error);
    throw error;
  }
}

function checkName({ topic, id }: { readonly topic: string; readonly id: string }): void {
  checkTopic(topic, 'topic');
  if (!isVisibleAscii(id, MAX_ID_LENGTH)) {
    const limit = `1 to ${MAX_ID_LENGTH} characters of visible ASCII`;
    throw new BusError('ID_INVALID', `id takes ${limit}`, { field: 'id', limit });
  }
}
