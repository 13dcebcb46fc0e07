import type { ServerUnaryCall, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import {
  type DelayPublishRequest,
  type DelayTopicPublishRequest,
  Mq,
  MqTopic,
  type PublishRequest,
  type QueueId,
  type SubscribeRequest,
  type SubscribeResponse,
  SubscribeResponseSchema,
  type TopicPublishRequest,
  type TopicSubscribeRequest,
} from '@waybill/proto/mq/mq';
import type { Bus } from '../../bus/bus.js';
import type { Action } from '../../bus/change.js';
import { BusError } from '../../model/errors.js';
import { checkChannel, checkTopic } from '../../model/topic.js';
import type { Clock } from '../../ports/clock.js';
import type { Logger } from '../../ports/logger.js';
import type { Guard } from '../access/guard.js';
import type { Principal } from '../access/principal.js';
import { Receipts } from '../access/receipts.js';
import { abortControllerOf, deadlineOf } from './call.js';
import { complete, method } from './definition.js';
import { type MqPublish, toData, toIncoming } from './mq-convert.js';
import { plainly, within } from './mq-errors.js';
import { RecentReceipts } from './mq-recent.js';
import { unary } from './unary.js';

export const mqDefinition = definitionOf(Mq);
export const mqTopicDefinition = definitionOf(MqTopic);

export interface MqServiceOptions {
  readonly maxMessageBytes: number;
  readonly publishTimeoutMs: number;
  /** Config `MaxJobRunningSeconds`: how long a client may hold a message. */
  readonly leaseMs: number;
  readonly guard: Guard;
}

type Call<Request> = ServerUnaryCall<Request, unknown>;

/** The channel that stands for a queue. */
const QUEUE_CHANNEL = 'default';
const EMPTY = { $typeName: 'google.protobuf.Empty' } as const;
const NOT_TEXT = 'the body is not UTF-8, which mq clients take';
/** How long a subscribe waits for a broker that is away, so that clients which ask again at once do not make a storm. */
const AWAY_MS = 1_000;

/**
 * `mq.Mq` and `mq.MqTopic`, as the clients of event-bus know them: a queue is a topic with the channel `default`, a queue of a
 * topic is a channel of it. Each message that is taken moves to the ledger, so that any gateway settles it.
 */
export class MqService {
  readonly #recent = new RecentReceipts();
  readonly #receipts: Receipts;

  constructor(
    private readonly bus: Bus,
    /** Whether the broker is there. */
    private readonly available: () => boolean,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly options: MqServiceOptions,
  ) {
    this.#receipts = new Receipts(bus.channels);
  }

  queues(): UntypedServiceImplementation {
    return {
      publish: this.#unary((call: Call<PublishRequest>) => this.#toQueue(call, { ...call.request, delaySeconds: 0n })),
      delayPublish: this.#unary((call: Call<DelayPublishRequest>) => this.#toQueue(call, call.request)),
      subscribe: this.#unary((call: Call<SubscribeRequest>) => {
        checkTopic(call.request.queue, 'queue');
        return this.#subscribe(call, call.request.queue, QUEUE_CHANNEL, call.request.queue);
      }),
      ...this.#settling(),
    };
  }

  topics(): UntypedServiceImplementation {
    return {
      publish: this.#unary((call: Call<TopicPublishRequest>) => {
        return this.#toTopic(call, { ...call.request, delaySeconds: 0n });
      }),
      delayPublish: this.#unary((call: Call<DelayTopicPublishRequest>) => this.#toTopic(call, call.request)),
      subscribe: this.#unary((call: Call<TopicSubscribeRequest>) => {
        const { topic, queueName } = call.request;
        checkTopic(topic, 'topic');
        checkChannel(queueName, 'queueName');
        return this.#subscribe(call, topic, queueName, queueName);
      }),
      ...this.#settling(),
    };
  }

  #settling(): UntypedServiceImplementation {
    return {
      ack: this.#unary(async (call: Call<QueueId>) => {
        await this.#ack(this.options.guard.of(call), call.request.id, this.#deadline(call));
        return EMPTY;
      }),
      nack: this.#unary(async (call: Call<QueueId>) => {
        await this.#nack(this.options.guard.of(call), call.request.id, this.#deadline(call));
        return EMPTY;
      }),
    };
  }

  #toQueue(
    call: Call<unknown>,
    { queue, data, delaySeconds, ExpirationSeconds }: Omit<DelayPublishRequest, '$typeName'>,
  ) {
    const publish = {
      name: queue,
      nameField: 'queue',
      data,
      delaySeconds,
      expirationSeconds: ExpirationSeconds,
    } as const;
    // Before the message: a queue keeps what comes before its first consumer, and its delayed messages find it made.
    return this.#publish(call, publish, (deadline) => this.#channel(queue, QUEUE_CHANNEL, deadline));
  }

  #toTopic(call: Call<unknown>, request: Omit<DelayTopicPublishRequest, '$typeName'>) {
    const { topic, data, delaySeconds, ExpirationSeconds } = request;
    return this.#publish(call, {
      name: topic,
      nameField: 'topic',
      data,
      delaySeconds,
      expirationSeconds: ExpirationSeconds,
    });
  }

  async #publish(call: Call<unknown>, publish: MqPublish, prepare?: (deadline: number) => Promise<unknown>) {
    this.#refuseWhenDraining();
    this.options.guard.countMessages(call, 1);
    const incoming = toIncoming(publish, this.options.maxMessageBytes);
    const deadline = deadlineOf(call, this.clock.now(), this.options.publishTimeoutMs);
    await prepare?.(deadline);
    const [result] = await this.bus.publish([incoming], 'messages', deadline);
    if (result?.error !== undefined) throw result.error;
    return EMPTY;
  }

  async #subscribe(call: Call<unknown>, topic: string, name: string, queue: string): Promise<SubscribeResponse> {
    const until = this.#deadline(call);
    const signal = abortControllerOf(call).signal;
    if (!this.available()) await this.#awaitBroker(until, signal);
    const channel = await this.#channel(topic, name, until);
    const consumer = this.options.guard.consumerNameOf(call)('').slice(0, 64);
    const options = { consumer, leaseMs: this.options.leaseMs, max: 1, aliased: true };
    for (;;) {
      const [pulled] = await this.bus.pull(channel, { ...options, until, signal });
      if (pulled === undefined) throw this.#nothing();
      const data = toData(pulled.delivery.message);
      if (data !== undefined) {
        this.#recent.add(pulled.alias, pulled.receipt);
        return { $typeName: SubscribeResponseSchema.typeName, id: pulled.alias, data, queue };
      }
      // It came from another API, and no client of this one will ever read it.
      await this.bus.settle([pulled.receipt], { kind: 'reject', reason: NOT_TEXT }, until);
    }
  }

  /** OK however the settle ends: what is not leased any more was settled before, one way or the other. */
  async #ack(who: Principal, id: string, deadline: number): Promise<void> {
    const receipt = this.#recent.get(id) ?? (await this.#leased(id, deadline));
    if (receipt !== undefined) await this.#settle(who, id, receipt, { kind: 'ack' }, deadline);
  }

  async #nack(who: Principal, id: string, deadline: number): Promise<void> {
    const receipt = this.#recent.get(id) ?? (await this.#leased(id, deadline));
    if (receipt !== undefined) {
      const status = await this.#settle(who, id, receipt, { kind: 'nack', delayMs: undefined, reason: '' }, deadline);
      if (status === 'ok') return;
    }
    const found = await this.bus.find(id, deadline);
    if (found?.state === 'acked' && (await this.#receipts.may(who, found.receipt))) {
      throw new BusError('ALREADY_ACKED', 'already acked');
    }
  }

  async #settle(who: Principal, id: string, receipt: string, action: Action, deadline: number) {
    const [status] = await this.#receipts.settle(who, [receipt], (allowed) => {
      this.#recent.drop(id);
      return this.bus.settle(allowed, action, deadline);
    });
    return status;
  }

  async #leased(id: string, deadline: number): Promise<string | undefined> {
    const found = await this.bus.find(id, deadline);
    return found?.state === 'leased' ? found.receipt : undefined;
  }

  /** These calls may have none, and then wait for as long as it takes. */
  #deadline(call: Call<unknown>): number {
    return deadlineOf(call, this.clock.now(), Number.POSITIVE_INFINITY);
  }

  #channel(topic: string, name: string, until: number) {
    return within(this.bus.channels.open(topic, name, undefined), until - this.clock.now());
  }

  async #awaitBroker(until: number, signal: AbortSignal): Promise<void> {
    const from = this.clock.now();
    const end = Math.min(until, from + AWAY_MS);
    while (!this.available()) {
      this.#refuseWhenDraining();
      if (signal.aborted || this.clock.now() >= end) throw away();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Why there is no message. */
  #nothing(): BusError {
    if (this.bus.draining) return new BusError('DRAINING', 'this gateway is shutting down');
    if (!this.available()) return away();
    return new BusError('DEADLINE_EXCEEDED', 'no message came before the deadline');
  }

  #refuseWhenDraining(): void {
    if (this.bus.draining) throw new BusError('DRAINING', 'this gateway is shutting down');
  }

  #unary<Request>(handle: (call: Call<Request>) => Promise<unknown>) {
    return unary(this.logger, (call: Call<Request>) => plainly(() => handle(call)));
  }
}

function away(): BusError {
  return new BusError('BROKER_UNAVAILABLE', 'the broker is away');
}

function definitionOf(service: typeof Mq | typeof MqTopic): ServiceDefinition {
  return complete(service, Object.fromEntries(service.methods.map((desc) => [desc.localName, method(desc)])));
}
