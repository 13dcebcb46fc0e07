import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import {
  type AckRequest,
  AckResponseSchema,
  Bus,
  type CancelRequest,
  CancelResponseSchema,
  type ExtendRequest,
  ExtendResponseSchema,
  type NackRequest,
  NackResponseSchema,
  PublishOutcome,
  PublishResultSchema,
  type PublishStreamRequest,
  type PublishStreamResponse,
  PublishStreamResponseSchema,
  type PullRequest,
  PullResponseSchema,
  type RejectRequest,
  RejectResponseSchema,
  type RescheduleRequest,
  RescheduleResponseSchema,
  SettleResultSchema,
  SettleStatus,
  type SubscribeRequest,
  type SubscribeResponse,
  SubscribeResponseSchema,
} from '@waybill/proto/waybill/v1/bus';
import { Locks } from '@waybill/proto/waybill/v1/locks';
import type { Delivery, Message } from '@waybill/proto/waybill/v1/message';
import { serviceDefinition } from '../grpc/definition.js';
import { type Fault, faultOf } from './fault.js';
import { TestingLocks } from './locks.js';
import { type Channel, Store, type Taker } from './store.js';

type PublishCall = ServerDuplexStream<PublishStreamRequest, PublishStreamResponse>;
type SubscribeCall = ServerDuplexStream<SubscribeRequest, SubscribeResponse>;

type SettleResponseSchema =
  | typeof AckResponseSchema
  | typeof NackResponseSchema
  | typeof ExtendResponseSchema
  | typeof RejectResponseSchema;

export interface Refusal {
  readonly code: number;
  readonly reason: string;
  readonly field?: string;
}

/**
 * A gateway in memory, for tests of this client's behaviour: it speaks `waybill.v1.Bus` and `waybill.v1.Locks` over a real grpc-js server, and can be
 * told to misbehave. It keeps nothing on disk, knows no patterns and no retry policies.
 */
export class TestingGateway {
  readonly store = new Store();
  readonly locks = new TestingLocks();
  /** What each publish request held, in order of arrival. */
  readonly publishes: { topic: string; id: string; body: string; delayMs: number }[][] = [];
  /** The open frames that came. */
  readonly opens: { topic: string; channel: string; credit: number; consumer: string; token: string }[] = [];
  /** Settle frames and calls, in order: how many receipts each had. */
  readonly settleFrames: { kind: string; receipts: number; unary: boolean }[] = [];
  readonly credits: number[] = [];
  /** Publish requests are taken in and their responses kept back. */
  muted = false;
  /** Publish requests vanish: neither accepted nor answered. */
  deaf = false;
  heartbeats = true;
  heartbeatSeconds = 1;
  leaseSeconds = 30;
  /** Refuses single messages. */
  refuse: (message: Message) => Refusal | undefined = () => undefined;
  /** Ends a publish stream at a request. */
  breakAt: (request: PublishStreamRequest) => Fault | undefined = () => undefined;
  /** Refuses a stream or call of this name. */
  refuseCall: (name: string) => Fault | undefined = () => undefined;
  /** Settle frames on streams vanish. */
  losesSettles = false;
  #server = new Server();
  #port = 0;
  readonly #kept: (() => void)[] = [];
  readonly #publishCalls = new Set<PublishCall>();
  readonly #subscribeCalls = new Set<SubscribeCall>();
  #changed: (() => void)[] = [];

  get url(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get subscribers(): number {
    return this.#subscribeCalls.size;
  }

  async start(): Promise<this> {
    this.#server = new Server({ 'grpc.max_receive_message_length': 5 * 1_048_576 });
    this.#server.addService(serviceDefinition(Locks), this.locks.implementation());
    this.#server.addService(serviceDefinition(Bus), {
      publishStream: (call: PublishCall) => this.#publishStream(call),
      subscribe: (call: SubscribeCall) => this.#subscribe(call),
      pull: this.#unary('pull', (request: PullRequest) => this.#pull(request)),
      ack: this.#unary('ack', ({ receipts }: AckRequest) =>
        this.#results('ack', AckResponseSchema, receipts, this.store.ack({ receipts })),
      ),
      nack: this.#unary('nack', ({ receipts, delayMs, reason }: NackRequest) =>
        this.#results('nack', NackResponseSchema, receipts, this.store.nack(receipts, optional(delayMs), reason)),
      ),
      extend: this.#unary('extend', ({ receipts, leaseSeconds }: ExtendRequest) =>
        this.#results('extend', ExtendResponseSchema, receipts, this.store.extend(receipts, this.#lease(leaseSeconds))),
      ),
      reject: this.#unary('reject', ({ receipts, reason }: RejectRequest) =>
        this.#results('reject', RejectResponseSchema, receipts, this.store.reject(receipts, reason)),
      ),
      cancel: this.#unary('cancel', ({ topic, id }: CancelRequest) => {
        if (!this.store.cancel(topic, id)) throw notScheduled();
        return create(CancelResponseSchema);
      }),
      reschedule: this.#unary('reschedule', ({ topic, id, when }: RescheduleRequest) => {
        const due = when.case === 'dueTimeMs' ? Number(when.value) : Date.now() + Number(when.value ?? 0n);
        if (!this.store.reschedule(topic, id, due)) throw notScheduled();
        return create(RescheduleResponseSchema, { dueTimeMs: BigInt(due) });
      }),
    });
    this.#port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(`127.0.0.1:${this.#port}`, ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
    return this;
  }

  /** Cuts every connection, and stays away until `start`. */
  cut(): void {
    this.#server.forceShutdown();
  }

  stop(): void {
    this.cut();
    this.store.close();
  }

  /** Ends all publish streams. */
  breakPublishStreams(fault: Fault = { code: status.UNAVAILABLE, details: 'broken by the test' }): void {
    for (const call of this.#publishCalls) call.emit('error', faultOf(fault));
  }

  breakSubscriptions(fault: Fault = { code: status.UNAVAILABLE, details: 'broken by the test' }): void {
    for (const call of this.#subscribeCalls) call.emit('error', faultOf(fault));
  }

  drain(graceMs: number): void {
    for (const call of this.#subscribeCalls) {
      call.emit('drain-by-test');
      this.#send(call, { case: 'draining', value: { graceMs: BigInt(graceMs) } });
    }
  }

  /** Answers what `muted` kept back. */
  unmute(): void {
    this.muted = false;
    for (const answer of this.#kept.splice(0)) answer();
  }

  /** Forgets the answers that `muted` kept back. */
  forget(): void {
    this.#kept.length = 0;
  }

  /** Resolves when the condition holds, looked at whenever something came in, and now and then. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 10);
        this.#changed.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  #notify(): void {
    const waiters = this.#changed;
    this.#changed = [];
    for (const waiter of waiters) waiter();
  }

  #publishStream(call: PublishCall): void {
    const refused = this.refuseCall('publishStream');
    if (refused !== undefined) {
      call.emit('error', faultOf(refused));
      return;
    }
    this.#publishCalls.add(call);
    const gone = () => this.#publishCalls.delete(call);
    call.on('cancelled', gone);
    call.on('error', gone);
    call.on('end', () => {
      gone();
      call.end();
    });
    call.on('data', (request: PublishStreamRequest) => {
      this.publishes.push(request.messages.map(summary));
      const fault = this.breakAt(request);
      if (fault !== undefined) call.emit('error', faultOf(fault));
      else if (!this.deaf) this.#accept(call, request);
      this.#notify();
    });
  }

  #accept(call: PublishCall, { sequence, messages }: PublishStreamRequest): void {
    const results = messages.map((message) => {
      const refusal = this.refuse(message);
      if (refusal === undefined) {
        return create(PublishResultSchema, { id: message.id, outcome: this.store.publish(message) });
      }
      const error = { field: '', ...refusal, message: `refused: messages[0].${refusal.field ?? 'topic'}` };
      return create(PublishResultSchema, { id: message.id, outcome: PublishOutcome.UNSPECIFIED, error });
    });
    const answer = () => call.write(create(PublishStreamResponseSchema, { sequence, results }));
    if (this.muted) this.#kept.push(answer);
    else answer();
  }

  #subscribe(call: SubscribeCall): void {
    const refused = this.refuseCall('subscribe');
    if (refused !== undefined) {
      call.emit('error', faultOf(refused));
      return;
    }
    let leave = () => {};
    let channel: Channel | undefined;
    const taker: Taker & { leaseMs: number; credit: number } = {
      leaseMs: 0,
      credit: 0,
      held: 0,
      deliver: (deliveries) => this.#send(call, { case: 'deliveries', value: { deliveries } }),
    };
    const heartbeat = setInterval(() => {
      if (this.heartbeats) this.#send(call, { case: 'heartbeat', value: {} });
    }, this.heartbeatSeconds * 500);
    this.#subscribeCalls.add(call);
    const gone = () => {
      clearInterval(heartbeat);
      this.#subscribeCalls.delete(call);
      leave();
      leave = () => {};
      this.#notify();
    };
    call.on('cancelled', gone);
    call.on('error', gone);
    call.on('drain-by-test', () => {
      taker.credit = 0;
    });
    call.on('end', () => {
      gone();
      call.end();
    });
    call.on('data', ({ sequence, frame }: SubscribeRequest) => {
      switch (frame.case) {
        case 'open': {
          const { topic, channel: name, consumer } = frame.value;
          const { credit } = frame.value;
          taker.credit = credit;
          const token = String(call.metadata.get('authorization')[0] ?? '');
          this.opens.push({ topic, channel: name, credit, consumer, token });
          taker.leaseMs = this.#lease(frame.value.leaseSeconds);
          const opened = { leaseSeconds: taker.leaseMs / 1_000, heartbeatSeconds: this.heartbeatSeconds };
          this.#send(call, { case: 'opened', value: opened });
          const mine = this.store.channel(topic, name);
          channel = mine;
          leave = () => this.store.leave(mine, taker);
          this.store.join(mine, taker);
          break;
        }
        case 'credit':
          taker.credit = frame.value.credit;
          this.credits.push(taker.credit);
          if (channel !== undefined) this.store.pump(channel);
          break;
        case undefined:
          break;
        default: {
          const { receipts } = frame.value;
          this.settleFrames.push({ kind: frame.case, receipts: receipts.length, unary: false });
          if (this.losesSettles) break;
          const statuses = this.#settleFrame(frame, taker.leaseMs);
          const failures = receipts.flatMap((receipt, index) => {
            const result = statuses[index] ?? SettleStatus.UNKNOWN;
            return result === SettleStatus.OK ? [] : [create(SettleResultSchema, { receipt, status: result })];
          });
          this.#send(call, { case: 'settled', value: { sequence, failures } });
        }
      }
      this.#notify();
    });
  }

  #settleFrame(frame: SubscribeRequest['frame'], leaseMs: number): SettleStatus[] {
    switch (frame.case) {
      case 'ack':
        return this.store.ack(frame.value);
      case 'nack':
        return this.store.nack(frame.value.receipts, optional(frame.value.delayMs), frame.value.reason);
      case 'extend':
        return this.store.extend(frame.value.receipts, frame.value.leaseSeconds * 1_000 || leaseMs);
      case 'reject':
        return this.store.reject(frame.value.receipts, frame.value.reason);
      default:
        return [];
    }
  }

  async #pull(request: PullRequest) {
    const channel = this.store.channel(request.topic, request.channel);
    const until = Date.now() + Number(request.waitMs ?? 30_000n);
    let deliveries: Delivery[] = [];
    for (;;) {
      deliveries = this.store.take(channel, request.maxMessages || 1, this.#lease(request.leaseSeconds));
      if (deliveries.length > 0 || Date.now() >= until) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return create(PullResponseSchema, { deliveries });
  }

  #lease(leaseSeconds: number): number {
    return (leaseSeconds || this.leaseSeconds) * 1_000;
  }

  #results(kind: string, schema: SettleResponseSchema, receipts: string[], statuses: SettleStatus[]) {
    this.settleFrames.push({ kind, receipts: receipts.length, unary: true });
    const results = receipts.map((receipt, index) => ({ receipt, status: statuses[index] ?? SettleStatus.UNKNOWN }));
    return create(schema, { results });
  }

  #send(call: SubscribeCall, frame: MessageInitShape<typeof SubscribeResponseSchema>['frame'] & object): void {
    call.write(create(SubscribeResponseSchema, { frame }));
  }

  #unary<I, O>(name: string, handle: (request: I) => O | Promise<O>) {
    return async (call: ServerUnaryCall<I, O>, callback: sendUnaryData<O>) => {
      try {
        const refused = this.refuseCall(name);
        if (refused !== undefined) throw faultOf(refused);
        callback(null, await handle(call.request));
      } catch (error) {
        callback(error instanceof Error ? error : new Error(String(error)));
      } finally {
        this.#notify();
      }
    };
  }
}

function summary(message: Message) {
  const { topic, id, body, delayMs } = message;
  return { topic, id, body: Buffer.from(body).toString(), delayMs: Number(delayMs) };
}

function optional(value: bigint | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

function notScheduled() {
  return faultOf({ code: status.NOT_FOUND, details: 'nothing waits', reason: 'SCHEDULED_NOT_FOUND' });
}
