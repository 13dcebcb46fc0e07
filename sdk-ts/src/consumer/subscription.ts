import type { MessageInitShape } from '@bufbuild/protobuf';
import type { OpenFrameSchema } from '@waybill/proto/waybill/v1/bus';
import { Backoff } from '../backoff.js';
import { type Duration, milliseconds, seconds } from '../duration.js';
import { ClosedError, type WaybillError } from '../errors.js';
import type { Connection } from '../grpc/connection.js';
import type { Message } from '../message.js';
import { compose } from '../middleware/compose.js';
import type { Middleware } from '../middleware/middleware.js';
import { count } from '../options.js';
import { within } from '../pause.js';
import { nack } from './action.js';
import { AutoCredit } from './auto-credit.js';
import { Lifetime } from './lifetime.js';
import { Link, type LinkHost } from './link.js';
import { MAX_LEASE_SECONDS, type ReceivedMessage } from './received-message.js';
import { retryPolicy } from './retry.js';
import { Runner } from './runner.js';
import type { Settler } from './settle.js';
import type { SubscribeOptions, Subscription } from './subscribe-options.js';
import type { Work } from './work.js';

/** How long confirmations may take when the handlers have used up all the time. */
const LAST_SETTLES_MS = 1_000;

const NOT_STARTED = nack(0, 'not handled: the consumer stopped', true);

export class RunningSubscription implements Subscription, LinkHost {
  readonly elsewhere: Settler;
  readonly ready: Promise<void>;
  readonly closed: Promise<void>;
  readonly #connection: Connection;
  readonly #credit: number;
  readonly #open: MessageInitShape<typeof OpenFrameSchema>;
  readonly #options: SubscribeOptions;
  /** Undefined where the credit was given as a number. */
  readonly #autoCredit: AutoCredit | undefined;
  readonly #work: Work;
  readonly #runner: Runner;
  readonly #backoff = new Backoff();
  readonly #lifetime: Lifetime;
  /** The one that delivers; the others are draining. */
  #current: Link | undefined;
  readonly #draining = new Set<Link>();
  #wasOpen = false;
  #reconnecting: NodeJS.Timeout | undefined;
  /** Messages whose ack, nack or reject is on its way. */
  #settling = 0;
  #settledWaiters: (() => void)[] = [];
  #stopped: Promise<void> | undefined;

  constructor(
    connection: Connection,
    elsewhere: Settler,
    topic: string,
    channel: string,
    work: Work,
    options: SubscribeOptions,
    /** The bus's own, around that of the options. */
    outside: readonly Middleware[] = connection.options.middleware,
  ) {
    const { lease, retry, settle = 'auto', signal } = options;
    const { concurrency } = work;
    const { credit = 'auto' } = options;
    this.#connection = connection;
    this.#work = work;
    this.#autoCredit = credit === 'auto' ? new AutoCredit(concurrency) : undefined;
    this.#credit = credit === 'auto' ? 0 : count(credit, 'credit', 1);
    this.elsewhere = elsewhere;
    this.#options = options;
    this.#open = {
      topic,
      channel,
      leaseSeconds: lease === undefined ? 0 : seconds(lease, 'lease', 1, MAX_LEASE_SECONDS),
      consumer: connection.options.name,
      ...(retry === undefined ? {} : { retry: retryPolicy(retry) }),
    };
    const failed = (error: unknown, message: Message) => this.#lifetime.report(error, message);
    const middleware = [...outside, ...(options.middleware ?? [])];
    const handle = compose(middleware, work.handle, { topic, channel, settle });
    const timed = (ms: number, now: number) => this.#handled(ms, now);
    const timing = this.#autoCredit === undefined ? {} : { timed };
    this.#runner = new Runner(handle, { concurrency, settles: settle === 'auto', failed, ...timing });
    const stop = () => void this.stop();
    this.#lifetime = new Lifetime(options, stop);
    this.ready = this.#lifetime.ready;
    this.closed = this.#lifetime.closed;
    if (signal?.aborted) stop();
    else this.#connect();
  }

  stop(options: { timeout?: Duration } = {}): Promise<void> {
    this.#stopped ??= this.#stop(milliseconds(options.timeout ?? 30_000, 'timeout'));
    return this.#stopped;
  }

  extendsLease(message: ReceivedMessage): boolean {
    return this.#options.autoExtend !== false && !message.isLeft;
  }

  opened(): void {
    this.#wasOpen = true;
    this.#backoff.reset();
    this.#lifetime.opened();
  }

  received(messages: readonly ReceivedMessage[]): void {
    this.#runner.push(messages);
  }

  settling(): void {
    this.#settling++;
  }

  released(message: ReceivedMessage, error: WaybillError | undefined): void {
    this.#settling--;
    if (error !== undefined) this.#lifetime.report(error, message);
    if (this.#draining.size > 0) this.#endDrained();
    if (this.#settling > 0) return;
    for (const waiter of this.#settledWaiters) waiter();
    this.#settledWaiters = [];
  }

  answered(ms: number): void {
    this.#autoCredit?.answered(ms);
  }

  /** The gateway goes away: what is held is settled on this link, and another one is opened at once, so that no handler waits. */
  draining(link: Link): void {
    if (link !== this.#current) return;
    this.#current = undefined;
    this.#draining.add(link);
    this.#endDrained();
    if (this.#stopped === undefined) this.#connect();
  }

  ended(link: Link, error: WaybillError, judged: boolean): void {
    this.#draining.delete(link);
    if (link !== this.#current) return;
    this.#current = undefined;
    if (this.#stopped !== undefined) return;
    // A subscription that has worked before is not given up: a token may be renewed, a conflict resolved.
    if (judged && !this.#wasOpen) {
      this.#refuse(error);
      return;
    }
    if (this.#wasOpen) this.#lifetime.report(error);
    this.#reconnecting = setTimeout(() => this.#connect(), this.#backoff.next());
  }

  #handled(ms: number, now: number): void {
    if (this.#autoCredit?.handled(ms, now) && this.#stopped === undefined)
      this.#current?.credit(this.#autoCredit.credit);
  }

  #connect(): void {
    const credit = this.#autoCredit?.credit ?? this.#credit;
    this.#current = new Link(this.#connection, { ...this.#open, credit }, this);
  }

  #endDrained(): void {
    for (const link of this.#draining) {
      if (!link.idle) continue;
      this.#draining.delete(link);
      link.end(new ClosedError('the gateway went away'));
    }
  }

  async #stop(timeoutMs: number): Promise<void> {
    const end = Date.now() + timeoutMs;
    clearTimeout(this.#reconnecting);
    this.#current?.credit(0);
    // They would wait here for the handlers that run, and be delivered to others only then.
    for (const message of this.#runner.close()) if (!message.isLost) message.finish(NOT_STARTED);
    this.#work.close();
    const why = new ClosedError('the subscription was stopped');
    await within(this.#runner.idle(), timeoutMs);
    this.#current?.lose(why);
    for (const link of this.#draining) link.lose(why);
    await within(this.#allSettled(), Math.max(LAST_SETTLES_MS, end - Date.now()));
    this.#current?.end(why);
    for (const link of this.#draining) link.end(why);
    this.#lifetime.ended(why);
  }

  #refuse(error: WaybillError): void {
    this.#runner.close();
    this.#stopped = Promise.resolve();
    this.#lifetime.refused(error);
  }

  #allSettled(): Promise<void> {
    if (this.#settling === 0) return Promise.resolve();
    return new Promise((resolve) => this.#settledWaiters.push(resolve));
  }
}
