import { ACK, type Action, nackAsked, reject, type Verdict } from '../consumer/action.js';
import type { Delivered } from '../consumer/delivered.js';
import { MAX_LEASE_SECONDS } from '../consumer/received-message.js';
import { type Duration, seconds } from '../duration.js';
import { FailedPreconditionError, StaleReceiptError } from '../errors.js';
import type { Message, NackOptions, Settlement } from '../message.js';
import type { Appointment } from './agenda.js';
import type { StoredMessage } from './stored-message.js';

/** The channel that a message is on. */
export interface MessageHome {
  /** What it takes to settle one that is held. */
  settle(message: LocalMessage, verdict: Verdict): void;
  /** A receipt by which any caller of the bus can settle it. */
  receipt(message: LocalMessage): string;
  /** Its lease begins now: in the agenda it is due when that ends. */
  lease(message: LocalMessage): void;
  /** A retry is due, or a lease has ended. */
  due(message: LocalMessage): void;
  now(): number;
}

/** Who holds it. */
export interface Holder {
  /** Settled, or lost: it is not held any more. */
  released(message: LocalMessage): void;
  /** The handler has returned without settling it. */
  left(message: LocalMessage): void;
  /** A settle that nobody waits for was refused. */
  refused(message: LocalMessage, error: Error): void;
}

/**
 * One hand-out of a message on a channel; every retry is another one:
 *
 *   waiting (in the queue, or in the agenda until its retry is due) ─▶ held ─▶ settled
 *                                                                        └──▶ lost (its lease ended, or its subscription did)
 */
export class LocalMessage implements Delivered, Appointment {
  dueAt = 0;
  place = -1;
  order = 0;
  /** To whom it was handed out. */
  holder: Holder | undefined;
  /** The handler's error, for the dead letter that it may become. */
  cause: unknown;
  /** What a hand-out of this kind may take, in milliseconds. */
  leaseMs = 0;
  /** Its lease ends by itself: nobody extends it while the handler runs. */
  leased = false;
  #verdict: Verdict | undefined;
  #lost: Error | undefined;
  #receipt: string | undefined;
  #abort: AbortController | undefined;

  constructor(
    readonly stored: StoredMessage,
    readonly home: MessageHome,
    readonly attempt: number,
  ) {}

  get id(): string {
    return this.stored.id;
  }

  get topic(): string {
    return this.stored.topic;
  }

  get key(): string {
    return this.stored.key;
  }

  get headers(): Readonly<Record<string, string>> {
    return this.stored.headers;
  }

  get body(): Uint8Array {
    return this.stored.body;
  }

  /** What was published: the same object for all subscribers, so leave it unchanged. */
  get payload(): unknown {
    return this.stored.payload;
  }

  get publishedAt(): Date {
    return new Date(this.stored.publishedAt);
  }

  get leaseDeadline(): Date {
    return new Date(this.leased ? this.dueAt : this.home.now() + this.leaseMs);
  }

  get receipt(): string {
    this.#receipt ??= this.home.receipt(this);
    return this.#receipt;
  }

  get settledBy(): Settlement | undefined {
    return this.#verdict?.kind;
  }

  get isHeld(): boolean {
    return this.holder !== undefined && this.#verdict === undefined && this.#lost === undefined;
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#lost !== undefined) this.#abort.abort(this.#lost);
    }
    return this.#abort.signal;
  }

  text(): string {
    return this.stored.text();
  }

  json<T = unknown>(): T {
    return JSON.parse(this.stored.text());
  }

  async ack(): Promise<void> {
    this.#settle(ACK);
  }

  async nack(options: NackOptions = {}): Promise<void> {
    this.#settle(nackAsked(options));
  }

  async reject(reason = ''): Promise<void> {
    this.#settle(reject(reason));
  }

  async extend(lease?: Duration): Promise<void> {
    const leaseSeconds = lease === undefined ? 0 : seconds(lease, 'lease', 1, MAX_LEASE_SECONDS);
    if (this.#verdict !== undefined) throw alreadySettled(this, this.#verdict);
    this.#requireHeld();
    this.#extend(leaseSeconds);
  }

  /** Settles it by its receipt. The same verdict twice is no contradiction. */
  settleBy(action: Action): 'ok' | 'stale' {
    if (this.#verdict !== undefined) return this.#verdict.kind === action.kind ? 'ok' : 'stale';
    if (!this.isHeld) return 'stale';
    if (action.kind === 'extend') this.#extend(action.leaseSeconds);
    else this.#end(action);
    return 'ok';
  }

  finish(verdict: Verdict): void {
    if (this.#verdict !== undefined) return;
    if (this.isHeld) this.#end(verdict);
    else this.holder?.refused(this, new StaleReceiptError(this.receipt));
  }

  leave(): void {
    if (this.isHeld) this.holder?.left(this);
  }

  /** It is not its holder's any more. */
  lose(why: Error): void {
    if (!this.isHeld) return;
    this.#lost = why;
    this.leased = false;
    this.#abort?.abort(why);
    this.holder?.released(this);
  }

  due(): void {
    this.home.due(this);
  }

  #settle(verdict: Verdict): void {
    if (this.#verdict !== undefined) throw alreadySettled(this, this.#verdict);
    this.#requireHeld();
    this.#end(verdict);
  }

  #requireHeld(): void {
    if (!this.isHeld) throw new StaleReceiptError(this.receipt);
  }

  #end(verdict: Verdict): void {
    this.#verdict = verdict;
    this.home.settle(this, verdict);
    this.holder?.released(this);
  }

  #extend(leaseSeconds: number): void {
    if (leaseSeconds > 0) this.leaseMs = leaseSeconds * 1_000;
    if (this.leased) this.home.lease(this);
  }
}

function alreadySettled(message: Message, verdict: Verdict): FailedPreconditionError {
  return new FailedPreconditionError(`the message ${message.id} was settled before, by ${verdict.kind}`, {
    code: 'FAILED_PRECONDITION',
    reason: 'ALREADY_SETTLED',
  });
}
