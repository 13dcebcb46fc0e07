import { setTimeout as delay } from 'node:timers/promises';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { type SubscribeRequest, type SubscribeResponse, SubscribeResponseSchema } from '@waybill/proto/waybill/v1/bus';
import type { Bus } from '../../bus/bus.js';
import type { Action } from '../../bus/change.js';
import type { Delivery } from '../../bus/delivery.js';
import type { Limit } from '../../bus/limit.js';
import type { Subscription } from '../../bus/subscription.js';
import { attemptNumber } from '../../model/attempt.js';
import { BusError } from '../../model/errors.js';
import type { RetryPolicy } from '../../model/retry-policy.js';
import type { Logger } from '../../ports/logger.js';
import type { Guard } from '../access/guard.js';
import type { Principal } from '../access/principal.js';
import { Receipts } from '../access/receipts.js';
import {
  checkCount,
  checkCredit,
  checkReason,
  fromSettleStatus,
  MAX_RECEIPTS,
  toConsumerRequest,
  toLeaseMs,
  toNack,
} from './convert.js';
import { DeliveryBatch, type Outgoing, outgoingSize } from './deliveries-codec.js';
import { refuseStream, toServiceError } from './status.js';

export type SubscribeCall = ServerDuplexStream<SubscribeRequest | BusError, SubscribeResponse | DeliveryBatch>;

export interface SubscribeOptions {
  readonly maxCredit: number;
  readonly defaultLeaseMs: number;
  readonly defaultRetry: RetryPolicy;
  readonly heartbeatMs: number;
  readonly guard: Guard;
}

/** Stock clients refuse a response of over 4 MiB: batches stay well below, and only a single large message goes past. */
const MAX_RESPONSE_BYTES = 1024 * 1024;
/** Frames of one stream under way, and receipts in them; past either the stream is not read, and HTTP/2 tells the client to wait. */
const MAX_UNDER_WAY = 256;
const MAX_RECEIPTS_UNDER_WAY = 20_000;
const DRAIN_POLL_MS = 20;
const RETURN_MS = 2_000;

/** All `Subscribe` streams of this gateway, so that they can be ended in order. */
export class SubscribeStreams {
  readonly #streams = new Set<SubscribeStream>();
  readonly #receipts: Receipts;

  constructor(
    private readonly bus: Bus,
    private readonly logger: Logger,
    private readonly options: SubscribeOptions,
    private readonly limit: Limit,
  ) {
    this.#receipts = new Receipts(bus.channels);
  }

  open(call: SubscribeCall): void {
    try {
      this.limit.enter();
    } catch (error) {
      refuseStream(call, error, this.logger);
      return;
    }
    const stream = new SubscribeStream(call, this.bus, this.#receipts, this.logger, this.options, () => {
      this.#streams.delete(stream);
      this.limit.leave();
    });
    this.#streams.add(stream);
  }

  /** Delivers nothing more, tells every client, and waits until all have settled what they hold, at most `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    const until = performance.now() + graceMs;
    for (const stream of this.#streams) stream.drain(graceMs);
    while (this.#streams.size > 0 && performance.now() < until) {
      for (const stream of this.#streams) stream.endIfEmpty();
      await delay(DRAIN_POLL_MS);
    }
    // What is held goes back by the ledger, which may be away: then a restart brings it back.
    const ended = Promise.all([...this.#streams].map((stream) => stream.end()));
    await Promise.race([ended, delay(RETURN_MS, undefined, { ref: false })]);
  }
}

/**
 * One consumer's stream: `open`, then credit and settles.
 *
 *   waiting ─ open ─▶ opening ─▶ open ─ drain ─▶ draining ─▶ closed
 *      └────────────────┴───────── error, end, cancel ────────▶ closed
 */
class SubscribeStream {
  readonly #principal: Principal;
  #state: 'waiting' | 'opening' | 'open' | 'draining' | 'closed' = 'waiting';
  #subscription: Subscription | undefined;
  /** The `open` that later frames wait for. */
  #opening: Promise<void> | undefined;
  #underWay = 0;
  #receiptsUnderWay = 0;
  #heartbeat: NodeJS.Timeout | undefined;
  #silent = true;

  constructor(
    private readonly call: SubscribeCall,
    private readonly bus: Bus,
    private readonly receipts: Receipts,
    private readonly logger: Logger,
    private readonly options: SubscribeOptions,
    private readonly closed: () => void,
  ) {
    this.#principal = options.guard.of(call);
    call.on('data', (request: SubscribeRequest | BusError) => this.#receive(request));
    call.on('end', () => void this.end());
    call.on('cancelled', () => void this.#close('its consumer went away'));
    call.on('error', (error) => {
      this.logger.debug({ error }, 'a subscribe stream broke');
      void this.#close('its consumer went away');
    });
  }

  drain(graceMs: number): void {
    if (this.#state !== 'open') return;
    this.#state = 'draining';
    this.#subscription?.quiesce();
    this.#write({ frame: { case: 'draining', value: { graceMs: BigInt(Math.round(graceMs)) } } });
  }

  endIfEmpty(): void {
    if (this.#state === 'waiting' || (this.#underWay === 0 && this.#subscription?.held === 0)) void this.end();
  }

  /** Ends the stream in order: settles under way are answered first. */
  async end(): Promise<void> {
    while (this.#underWay > 0 && !this.call.cancelled) await delay(1);
    await this.#close('its consumer went away');
    this.call.end();
  }

  #receive(request: SubscribeRequest | BusError): void {
    const receipts = receiptsIn(request);
    this.#underWay++;
    this.#receiptsUnderWay += receipts;
    if (this.#isFull()) this.call.pause();
    this.#handle(request)
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        const full = this.#isFull();
        this.#underWay--;
        this.#receiptsUnderWay -= receipts;
        if (full && !this.#isFull()) this.call.resume();
      });
  }

  #isFull(): boolean {
    return this.#underWay >= MAX_UNDER_WAY || this.#receiptsUnderWay >= MAX_RECEIPTS_UNDER_WAY;
  }

  async #handle(request: SubscribeRequest | BusError): Promise<void> {
    if (request instanceof BusError) throw request;
    const { sequence, frame } = request;
    if (frame.case === 'open') {
      this.#opening = this.#open(frame.value);
      return this.#opening;
    }
    // Frames may follow `open` without waiting for its answer.
    await this.#opening;
    const subscription = this.#subscription;
    if (this.#state === 'closed') return;
    if (subscription === undefined) {
      throw new BusError('NOT_OPEN', `the first frame takes open: it is ${frame.case ?? 'empty'}`, { field: 'frame' });
    }
    switch (frame.case) {
      case 'credit':
        subscription.setCredit(checkCredit(frame.value.credit, 'credit.credit', this.options.maxCredit));
        return;
      case 'ack':
        return this.#settle(subscription, sequence, frame.value.receipts, { kind: 'ack' });
      case 'nack':
        return this.#settle(subscription, sequence, frame.value.receipts, toNack(frame.value, 'nack.'));
      case 'extend': {
        const leaseMs = toLeaseMs(frame.value.leaseSeconds, 'extend.lease_seconds');
        return this.#settle(subscription, sequence, frame.value.receipts, { kind: 'extend', leaseMs });
      }
      case 'reject':
        checkReason(frame.value.reason, 'reject.reason');
        return this.#settle(subscription, sequence, frame.value.receipts, {
          kind: 'reject',
          reason: frame.value.reason,
        });
      case undefined:
        throw new BusError('MALFORMED', 'a frame is empty', { field: 'frame' });
    }
  }

  async #open(open: Extract<SubscribeRequest['frame'], { case: 'open' }>['value']): Promise<void> {
    if (this.#state !== 'waiting')
      throw new BusError('ALREADY_OPEN', 'a stream is opened once: use another one', { field: 'open' });
    this.#state = 'opening';
    const { maxCredit, defaultLeaseMs, defaultRetry, heartbeatMs, guard } = this.options;
    const request = toConsumerRequest(open, 'open.', guard.consumerNameOf(this.call), defaultRetry);
    this.#principal.requireChannel('consume', request.topic, request.channel, 'open.topic');
    const credit = checkCredit(open.credit, 'open.credit', maxCredit);
    const leaseMs = request.leaseMs ?? defaultLeaseMs;
    const channel = await this.bus.channels.open(request.topic, request.channel, request.retry);
    // The client may have gone while the channel was made.
    if (this.#isClosed()) return;
    const subscription = this.bus.subscribe(
      channel,
      { consumer: request.consumer, leaseMs, credit, client: this.call.getPeer() },
      (batch) => this.#deliver(batch),
    );
    this.#subscription = subscription;
    this.#state = 'open';
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs);
    const value = { leaseSeconds: leaseMs / 1000, heartbeatSeconds: heartbeatMs / 1000 };
    this.#write({ frame: { case: 'opened', value } });
    this.call.on('drain', () => {
      subscription.paused = false;
    });
  }

  async #settle(subscription: Subscription, sequence: bigint, receipts: string[], action: Action): Promise<void> {
    checkCount(receipts.length, `${action.kind}.receipts`, MAX_RECEIPTS);
    const statuses = await this.receipts.settle(this.#principal, receipts, (allowed) => {
      return subscription.settle(allowed, action);
    });
    const failures = [];
    for (let i = 0; i < statuses.length; i++) {
      const status = statuses[i] ?? 'unknown';
      if (status !== 'ok') failures.push(fromSettleStatus(receipts[i] ?? '', status));
    }
    this.#write({ frame: { case: 'settled', value: { sequence, failures } } });
  }

  #deliver(batch: readonly Delivery[]): void {
    let part: Outgoing[] = [];
    let bytes = 0;
    for (const { receipt, message, attempt, deadline } of batch) {
      const outgoing = { receipt, wire: message.wire, attempt: attemptNumber(attempt), deadline };
      const size = outgoingSize(outgoing);
      if (bytes + size > MAX_RESPONSE_BYTES && part.length > 0) {
        this.#send(new DeliveryBatch(part));
        part = [];
        bytes = 0;
      }
      part.push(outgoing);
      bytes += size;
    }
    this.#send(new DeliveryBatch(part));
  }

  #write(response: MessageInitShape<typeof SubscribeResponseSchema>): void {
    this.#send(create(SubscribeResponseSchema, response));
  }

  #send(response: SubscribeResponse | DeliveryBatch): void {
    if (this.#isClosed() || this.call.cancelled || this.call.destroyed) return;
    this.#silent = false;
    if (!this.call.write(response) && this.#subscription !== undefined) this.#subscription.paused = true;
  }

  #beat(): void {
    if (this.#silent) this.#write({ frame: { case: 'heartbeat', value: {} } });
    this.#silent = true;
  }

  #fail(error: unknown): void {
    if (this.#isClosed()) return;
    void this.#close('its stream failed');
    // grpc-js sends the status of an emitted error; destroy() would drop it.
    this.call.emit('error', toServiceError(error, this.logger));
  }

  #isClosed(): boolean {
    return this.#state === 'closed';
  }

  async #close(reason: string): Promise<void> {
    if (this.#isClosed()) return;
    this.#state = 'closed';
    clearInterval(this.#heartbeat);
    this.closed();
    try {
      await this.#subscription?.close(reason);
    } catch (error) {
      // The ledger is away: its keeper ends the leases, or a restart brings the messages back.
      this.logger.debug({ error }, 'what a consumer held could not be returned');
    }
  }
}

function receiptsIn(request: SubscribeRequest | BusError): number {
  if (request instanceof BusError) return 0;
  const { value } = request.frame;
  return value !== undefined && 'receipts' in value ? value.receipts.length : 0;
}
