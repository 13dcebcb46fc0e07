import type { MessageInitShape } from '@bufbuild/protobuf';
import type { OpenedFrame, OpenFrameSchema, SettledFrame } from '@waybill/proto/waybill/v1/bus';
import type { Delivery } from '@waybill/proto/waybill/v1/message';
import { UnavailableError, type WaybillError } from '../errors.js';
import type { Connection } from '../grpc/connection.js';
import type { Action } from './action.js';
import { Gather } from './gather.js';
import { Leases } from './leases.js';
import { type MessageOwner, ReceivedMessage } from './received-message.js';
import { type SettleGroup, type Settler, type Settling, settleError } from './settle.js';
import { nackRequest } from './settle-calls.js';
import { type ClientFrame, SubscribeStream } from './subscribe-stream.js';

export interface LinkHost {
  /** Settles what this link can no more. */
  readonly elsewhere: Settler;
  extendsLease(message: ReceivedMessage): boolean;
  opened(link: Link): void;
  received(messages: readonly ReceivedMessage[]): void;
  /** A message's ack, nack or reject is on its way; `released` follows. */
  settling(message: Settling): void;
  released(message: ReceivedMessage, error: WaybillError | undefined): void;
  /** The gateway has settled something, after so many milliseconds. */
  answered(ms: number): void;
  draining(link: Link): void;
  /** Called once, unless `end` was. */
  ended(link: Link, error: WaybillError, judged: boolean): void;
}

interface SentGroup extends SettleGroup {
  /** By `performance.now()`. */
  readonly at: number;
}

/**
 * One stream of a subscription, with the messages that it delivered and the settles that it carries:
 *
 *   opening ─▶ open ─▶ draining (nothing more is delivered; what is held is settled here) ─▶ ended
 *
 * When it ends, what it held is lost, and the settles that were not answered are tried elsewhere.
 */
export class Link implements MessageOwner {
  readonly #host: LinkHost;
  readonly #stream: SubscribeStream;
  readonly #gather = new Gather((group) => this.#send(group));
  readonly #unanswered = new Map<number, SentGroup>();
  readonly #leases: Leases;
  #sequence = 0;
  #leaseMs = 0;
  #ended = false;

  constructor(connection: Connection, open: MessageInitShape<typeof OpenFrameSchema>, host: LinkHost) {
    this.#host = host;
    this.#leases = new Leases((message) => host.extendsLease(message));
    this.#stream = new SubscribeStream(connection, open, {
      opened: (frame) => this.#opened(frame),
      deliveries: (deliveries) => this.#deliver(deliveries),
      settled: (frame) => this.#answered(frame),
      draining: () => host.draining(this),
      ended: (error, judged) => {
        this.#close(lost(error));
        host.ended(this, error, judged);
      },
    });
  }

  /** Whether nothing is held, and everything is answered. */
  get idle(): boolean {
    return this.#leases.size === 0 && this.#unanswered.size === 0;
  }

  credit(credit: number): void {
    this.#stream.send(0, { case: 'credit', value: { credit } });
  }

  settle(action: Action, settling: Settling): void {
    if (action.kind !== 'extend') this.#host.settling(settling);
    if (this.#ended) this.#host.elsewhere.settle(action, settling);
    else this.#gather.settle(action, settling);
  }

  released(message: ReceivedMessage, error: WaybillError | undefined): void {
    this.#leases.delete(message);
    this.#host.released(message, error);
  }

  /** What is held is no more this consumer's. */
  lose(why: Error): void {
    this.#leases.loseAll(why);
  }

  /** Sends what has gathered, and closes the stream. Safe twice. */
  end(why: Error): void {
    if (this.#ended) return;
    this.#gather.flush();
    this.#stream.end();
    this.#close(why);
  }

  #opened(frame: OpenedFrame): void {
    this.#leaseMs = frame.leaseSeconds * 1_000;
    this.#leases.start(this.#leaseMs);
    this.#host.opened(this);
  }

  #deliver(deliveries: readonly Delivery[]): void {
    const now = performance.now();
    const messages = deliveries.map((delivery) => new ReceivedMessage(delivery, this, this.#leaseMs, now));
    for (const message of messages) this.#leases.add(message);
    this.#host.received(messages);
  }

  #send(group: SettleGroup): void {
    const sequence = ++this.#sequence;
    this.#unanswered.set(sequence, { ...group, at: performance.now() });
    const receipts = group.settlings.map((settling) => settling.receipt);
    if (!this.#ended) this.#stream.send(sequence, frameOf(group.action, receipts));
  }

  #answered(frame: SettledFrame): void {
    const sequence = Number(frame.sequence);
    const group = this.#unanswered.get(sequence);
    if (group === undefined) return;
    this.#unanswered.delete(sequence);
    this.#host.answered(performance.now() - group.at);
    if (frame.failures.length === 0) {
      for (const settling of group.settlings) settling.settled(undefined);
      return;
    }
    const failures = new Map(frame.failures.map((failure) => [failure.receipt, failure.status]));
    for (const settling of group.settlings) {
      const status = failures.get(settling.receipt);
      settling.settled(status === undefined ? undefined : settleError(settling.receipt, status));
    }
  }

  #close(why: Error): void {
    this.#ended = true;
    this.#leases.stop();
    this.#leases.loseAll(why);
    this.#gather.flush();
    const left = [...this.#unanswered.values()];
    this.#unanswered.clear();
    for (const { action, settlings } of left) {
      for (const settling of settlings) this.#host.elsewhere.settle(action, settling);
    }
  }
}

function frameOf(action: Action, receipts: string[]): ClientFrame {
  switch (action.kind) {
    case 'ack':
      return { case: 'ack', value: { receipts } };
    case 'nack':
      return { case: 'nack', value: nackRequest(action, receipts) };
    case 'extend':
      return { case: 'extend', value: { receipts, leaseSeconds: action.leaseSeconds } };
    case 'reject':
      return { case: 'reject', value: { receipts, reason: action.reason } };
  }
}

function lost(cause: WaybillError): UnavailableError {
  return new UnavailableError(`the stream that delivered the message ended: ${cause.message}`, {
    code: 'UNAVAILABLE',
    reason: 'STREAM_LOST',
    cause,
  });
}
