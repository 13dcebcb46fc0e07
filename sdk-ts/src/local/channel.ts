import { type Nack, nack, type Verdict } from '../consumer/action.js';
import type { RetryOptions } from '../consumer/retry-options.js';
import { StaleReceiptError } from '../errors.js';
import { Fifo } from '../fifo.js';
import type { Agenda } from './agenda.js';
import type { Clock } from './clock.js';
import type { DeadLetters } from './dead-letters.js';
import { type Holder, LocalMessage, type MessageHome } from './local-message.js';
import type { Receipts } from './receipts.js';
import { type RetryPolicy, retryDelay, retryPolicy } from './retry-policy.js';
import { type SlowChannel, Slowness } from './slowness.js';
import type { StoredMessage } from './stored-message.js';
import type { Turns, TurnTaker } from './turns.js';
import type { WaitingPublish } from './waiting-publish.js';

/** A consumer of a channel, or a pull. */
export interface Taker extends Holder {
  /** How many more it takes now. */
  readonly room: number;
  /** What one hand-out may take, in milliseconds. */
  readonly leaseMs: number;
  /** Whether the lease ends by itself, from the hand-out on. */
  readonly leased: boolean;
  take(message: LocalMessage): void;
}

/** What the channels of a bus share. */
export interface ChannelParts {
  readonly clock: Clock;
  readonly agenda: Agenda;
  readonly turns: Turns;
  readonly receipts: Receipts;
  readonly deadLetters: DeadLetters;
  /** Told of a channel that stays full. */
  readonly slow: (channel: SlowChannel) => void;
}

export interface ChannelLimits {
  readonly queueSize: number;
  readonly discardOnBlocking: boolean;
  readonly publishTimeoutMs: number;
}

/** How many messages a channel has in which state now, and how many it has had. */
export interface ChannelStats {
  /** The topic or pattern that it subscribes to. */
  readonly topic: string;
  readonly channel: string;
  readonly waiting: number;
  readonly held: number;
  /** Waiting for their next attempt. */
  readonly retrying: number;
  /** Publishes that wait for room in the queue. */
  readonly blocked: number;
  readonly acked: number;
  readonly retried: number;
  /** Those that were redriven since count too. */
  readonly dead: number;
  readonly expired: number;
  /** Not taken, as the queue was full. */
  readonly discarded: number;
}

/** The messages of one channel, on their way to its consumers. */
export class Channel implements MessageHome, TurnTaker {
  readonly #parts: ChannelParts;
  readonly #waiting = new Fifo<LocalMessage>();
  /** Before all that waits: their consumer went away. */
  readonly #again = new Fifo<LocalMessage>();
  /** In order of arrival. */
  readonly #blocked = new Set<WaitingPublish>();
  readonly #slowness: Slowness;
  readonly #takers: Taker[] = [];
  #next = 0;
  #inTurn = false;
  #policy: RetryPolicy;
  #limits: ChannelLimits;
  #held = 0;
  #retrying = 0;
  #acked = 0;
  #retried = 0;
  #dead = 0;
  #expired = 0;
  #discarded = 0;

  constructor(
    readonly topic: string,
    readonly name: string,
    parts: ChannelParts,
    policy: RetryPolicy,
    limits: ChannelLimits,
  ) {
    this.#parts = parts;
    this.#policy = policy;
    this.#limits = limits;
    this.#slowness = new Slowness(parts.agenda, parts.clock, () => parts.slow(this.stats));
  }

  get stats(): ChannelStats {
    return {
      topic: this.topic,
      channel: this.name,
      waiting: this.#waiting.length + this.#again.length,
      held: this.#held,
      retrying: this.#retrying,
      blocked: this.#blocked.size,
      acked: this.#acked,
      retried: this.#retried,
      dead: this.#dead,
      expired: this.#expired,
      discarded: this.#discarded,
    };
  }

  setRetry(options: RetryOptions): void {
    this.#policy = retryPolicy(options, this.#policy);
  }

  limit(limits: Partial<ChannelLimits>): void {
    this.#limits = { ...this.#limits, ...limits };
    this.#letIn();
  }

  /** False when there is no room: the publisher waits, or the copy is discarded. */
  offer(message: StoredMessage): boolean {
    if (this.#waiting.length >= this.#limits.queueSize || this.#blocked.size > 0) {
      if (!this.#limits.discardOnBlocking) return false;
      this.discard();
      return true;
    }
    this.put(message);
    return true;
  }

  /** Takes it whether or not there is room: it was accepted before. */
  put(message: StoredMessage): void {
    this.#queue(new LocalMessage(message, this, 1));
  }

  /** The publish goes on when there is room. */
  block(publish: WaitingPublish): void {
    this.#blocked.add(publish);
    this.#slowness.begin(this.#limits.publishTimeoutMs);
  }

  /** The publish was given up. */
  unblock(publish: WaitingPublish): void {
    this.#blocked.delete(publish);
    if (this.#blocked.size === 0) this.#slowness.end();
  }

  /** A copy is lost, as there was no room. */
  discard(): void {
    this.#discarded++;
    this.#slowness.discarded(this.#limits.publishTimeoutMs);
  }

  /** A dead letter begins anew. */
  redrive(message: StoredMessage): void {
    this.put(message);
  }

  join(taker: Taker): void {
    this.#takers.push(taker);
    this.wake();
  }

  leave(taker: Taker): void {
    const at = this.#takers.indexOf(taker);
    if (at >= 0) this.#takers.splice(at, 1);
    if (this.#next >= this.#takers.length) this.#next = 0;
  }

  /** A taker has room again. */
  wake(): void {
    if (this.#inTurn) return;
    if (this.#waiting.length > 0 || this.#again.length > 0) this.#parts.turns.add(this);
  }

  /** Gives a taker what is there, out of turn. */
  serve(taker: Taker): void {
    while (taker.room > 0) {
      const message = this.#again.shift() ?? this.#waiting.shift();
      if (message === undefined) break;
      this.#handOut(message, taker);
    }
    if (this.#blocked.size > 0) this.#letIn();
  }

  turn(most: number): number {
    this.#inTurn = true;
    let done = 0;
    while (done < most && (this.#again.length > 0 || this.#waiting.length > 0)) {
      const taker = this.#freeTaker();
      if (taker === undefined) break;
      const message = this.#again.shift() ?? this.#waiting.shift();
      if (message === undefined) break;
      done++;
      this.#handOut(message, taker);
    }
    this.#inTurn = false;
    if (this.#blocked.size > 0) this.#letIn();
    return done;
  }

  now(): number {
    return this.#parts.clock.now();
  }

  receipt(message: LocalMessage): string {
    return this.#parts.receipts.add(message);
  }

  settle(message: LocalMessage, verdict: Verdict): void {
    this.#release(message);
    switch (verdict.kind) {
      case 'ack':
        this.#acked++;
        return;
      case 'nack':
        this.#retry(message, verdict);
        return;
      case 'reject':
        this.#bury(message, verdict.reason === '' ? 'rejected' : verdict.reason);
    }
  }

  lease(message: LocalMessage): void {
    message.leased = true;
    this.#parts.agenda.add(message, this.now() + message.leaseMs);
  }

  due(message: LocalMessage): void {
    if (message.isHeld) {
      this.#release(message);
      message.lose(new StaleReceiptError(message.receipt));
      this.#retry(message, nack(undefined, 'lease expired'));
      return;
    }
    this.#retrying--;
    this.#queue(message);
  }

  /** Its consumer went away: somebody else may have it at once. */
  giveBack(message: LocalMessage, why: Error): void {
    if (!message.isHeld) return;
    this.#release(message);
    message.lose(why);
    if (retryDelay(this.#policy, message.attempt) === undefined) this.#bury(message, why.message);
    else this.#again.push(new LocalMessage(message.stored, this, message.attempt + 1));
    this.#parts.turns.add(this);
  }

  #queue(message: LocalMessage): void {
    this.#waiting.push(message);
    this.#parts.turns.add(this);
  }

  #handOut(message: LocalMessage, taker: Taker): void {
    if (message.stored.expiresAt !== 0 && message.stored.isExpired(this.#parts.clock.now())) {
      this.#expired++;
      return;
    }
    this.#held++;
    message.holder = taker;
    message.leaseMs = taker.leaseMs;
    if (taker.leased) this.lease(message);
    taker.take(message);
  }

  #release(message: LocalMessage): void {
    this.#held--;
    if (message.place >= 0) this.#parts.agenda.remove(message);
  }

  #retry(message: LocalMessage, { delayMs, reason, unhandled }: Nack): void {
    const delay = unhandled ? 0 : retryDelay(this.#policy, message.attempt);
    if (delay === undefined) {
      this.#bury(message, reason === '' ? 'nacked' : reason);
      return;
    }
    if (!unhandled) this.#retried++;
    const next = new LocalMessage(message.stored, this, unhandled ? message.attempt : message.attempt + 1);
    const wait = delayMs ?? delay;
    if (wait === 0) {
      this.#queue(next);
      return;
    }
    this.#retrying++;
    this.#parts.agenda.add(next, this.now() + wait);
  }

  #bury(message: LocalMessage, reason: string): void {
    this.#dead++;
    this.#parts.deadLetters.add(this, message, reason, this.now());
  }

  /** In turn, so that the consumers of a channel share its messages. */
  #freeTaker(): Taker | undefined {
    const count = this.#takers.length;
    for (let n = 0; n < count; n++) {
      const at = this.#next + n < count ? this.#next + n : this.#next + n - count;
      const taker = this.#takers[at];
      if (taker === undefined || taker.room <= 0) continue;
      this.#next = at + 1 < count ? at + 1 : 0;
      return taker;
    }
    return undefined;
  }

  #letIn(): void {
    for (const publish of this.#blocked) {
      if (this.#waiting.length >= this.#limits.queueSize) return;
      this.#blocked.delete(publish);
      this.put(publish.message);
      publish.passed(this);
    }
    this.#slowness.end();
  }
}
