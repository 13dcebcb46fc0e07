import type { Delivery } from '@waybill/proto/waybill/v1/message';
import { type Duration, seconds } from '../duration.js';
import { FailedPreconditionError, type WaybillError } from '../errors.js';
import type { Message, NackOptions, Settlement } from '../message.js';
import { ACK, nackAsked, reject, type Verdict } from './action.js';
import type { Delivered } from './delivered.js';
import type { Settler, Settling } from './settle.js';

export const MAX_LEASE_SECONDS = 86_400;

/** Who handed the message out. */
export interface MessageOwner extends Settler {
  /** The message was settled, or could not be; it is not held any more. */
  released(message: ReceivedMessage, error: WaybillError | undefined): void;
}

/**
 * A delivery on the consumer's side:
 *
 *   held ─▶ settling ─▶ released
 *     └──▶ lost (its lease ended, or its stream did): settling may still be tried, and the gateway decides
 */
export class ReceivedMessage implements Delivered, Settling {
  readonly #delivery: Delivery;
  readonly #owner: MessageOwner;
  #verdict: Verdict | undefined;
  #released = false;
  #left = false;
  #lost: Error | undefined;
  /** Made when somebody asks: a controller costs as much as the rest of a message. */
  #abort: AbortController | undefined;
  #promise: { resolve: () => void; reject: (error: Error) => void } | undefined;
  /** What the gateway takes for an extension without a length. */
  readonly #ownLeaseMs: number;
  #leaseMs: number;
  #leaseDeadline: number;
  /** When the lease began, by the clock of this process that nobody sets (`performance.now`), in milliseconds. */
  #leasedAt: number;

  /** `leaseMs` is 0 where it is not known: then the gateway's deadline counts. `now` is `performance.now()`. */
  constructor(delivery: Delivery, owner: MessageOwner, leaseMs: number, now: number) {
    this.#delivery = delivery;
    this.#owner = owner;
    this.#leaseDeadline = Number(delivery.leaseDeadlineMs);
    this.#ownLeaseMs = leaseMs > 0 ? leaseMs : Math.max(0, this.#leaseDeadline - Date.now());
    this.#leaseMs = this.#ownLeaseMs;
    this.#leasedAt = now;
  }

  get id(): string {
    return this.#delivery.message?.id ?? '';
  }

  get topic(): string {
    return this.#delivery.message?.topic ?? '';
  }

  get key(): string {
    return this.#delivery.message?.key ?? '';
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#delivery.message?.headers ?? {};
  }

  get body(): Uint8Array {
    return this.#delivery.message?.body ?? new Uint8Array();
  }

  get attempt(): number {
    return this.#delivery.attempt;
  }

  get publishedAt(): Date {
    return new Date(Number(this.#delivery.message?.publishTimeMs ?? 0n));
  }

  get leaseDeadline(): Date {
    return new Date(this.#leaseDeadline);
  }

  get receipt(): string {
    return this.#delivery.receipt;
  }

  get settledBy(): Settlement | undefined {
    return this.#verdict?.kind;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#lost !== undefined) this.#abort.abort(this.#lost);
    }
    return this.#abort.signal;
  }

  text(): string {
    const { body } = this;
    return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  }

  json<T = unknown>(): T {
    return JSON.parse(this.text());
  }

  ack(): Promise<void> {
    return this.#settle(ACK);
  }

  async nack(options: NackOptions = {}): Promise<void> {
    await this.#settle(nackAsked(options));
  }

  async reject(reason = ''): Promise<void> {
    await this.#settle(reject(reason));
  }

  async extend(lease?: Duration): Promise<void> {
    const leaseSeconds = lease === undefined ? 0 : seconds(lease, 'lease', 1, MAX_LEASE_SECONDS);
    if (this.#verdict !== undefined) throw alreadySettled(this, this.#verdict);
    await new Promise<void>((resolve, reject) => {
      this.extendBy(leaseSeconds, performance.now(), (error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  /** 0 seconds: the subscription's own lease. `from`: now, by `performance.now()`. */
  extendBy(leaseSeconds: number, from: number, done: (error: WaybillError | undefined) => void): void {
    const { receipt } = this;
    const leaseMs = leaseSeconds === 0 ? this.#ownLeaseMs : leaseSeconds * 1_000;
    const settled = (error: WaybillError | undefined) => {
      if (error === undefined) this.#extended(from, leaseMs);
      else if (!error.retryable) this.lose(error);
      done(error);
    };
    this.#owner.settle({ kind: 'extend', leaseSeconds }, { receipt, settled });
  }

  /** Another lease as long as the one it has; a failure shows in `signal`. Those renewed by one `now` stay together. */
  renew(now: number): void {
    this.extendBy(this.#leaseMs === this.#ownLeaseMs ? 0 : Math.ceil(this.#leaseMs / 1_000), now, () => {});
  }

  leave(): void {
    this.#left = true;
  }

  /** Whether its handler has returned without settling it. */
  get isLeft(): boolean {
    return this.#left;
  }

  /** Settles without a promise, unless that was done already. */
  finish(verdict: Verdict): void {
    if (this.#verdict !== undefined) return;
    this.#verdict = verdict;
    this.#owner.settle(verdict, this);
  }

  /** The answer to ack, nack or reject. */
  settled(error: WaybillError | undefined): void {
    if (this.#released) return;
    this.#released = true;
    if (error !== undefined) this.lose(error);
    const promise = this.#promise;
    if (error === undefined) promise?.resolve();
    else promise?.reject(error);
    this.#owner.released(this, promise === undefined ? error : undefined);
  }

  /** The message is not this consumer's any more. */
  lose(why: Error): void {
    if (this.#lost !== undefined) return;
    this.#lost = why;
    this.#abort?.abort(why);
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** Whether ack, nack or reject was called. */
  get isSettled(): boolean {
    return this.#verdict !== undefined;
  }

  get leaseMs(): number {
    return this.#leaseMs;
  }

  /** Milliseconds since the lease began or was last extended; `now` is `performance.now()`. */
  leaseAge(now: number): number {
    return now - this.#leasedAt;
  }

  #extended(from: number, leaseMs: number): void {
    this.#leasedAt = from;
    this.#leaseMs = leaseMs;
    this.#leaseDeadline = Math.max(this.#leaseDeadline, Math.round(Date.now() - (performance.now() - from)) + leaseMs);
  }

  #settle(verdict: Verdict): Promise<void> {
    if (this.#verdict !== undefined) return Promise.reject(alreadySettled(this, this.#verdict));
    this.#verdict = verdict;
    return new Promise((resolve, reject) => {
      this.#promise = { resolve, reject };
      this.#owner.settle(verdict, this);
    });
  }
}

function alreadySettled(message: Message, verdict: Verdict): FailedPreconditionError {
  return new FailedPreconditionError(`the message ${message.id} was settled before, by ${verdict.kind}`, {
    code: 'FAILED_PRECONDITION',
    reason: 'ALREADY_SETTLED',
  });
}
