import { DeadlineError } from '../errors.js';
import type { Message } from '../message.js';

/** One request whose reply has not come. Settled once: by its reply, its timeout, its signal, or the end of the bus. */
export class AwaitedReply {
  readonly promise: Promise<Message>;
  #resolve: (reply: Message) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  readonly #timer: NodeJS.Timeout;
  readonly #deadline: number;

  constructor(
    readonly topic: string,
    /** The id of the request's message. */
    readonly messageId: string,
    timeoutMs: number,
    readonly signal: AbortSignal | undefined,
    /** Told once, when it is settled. */
    readonly forget: () => void,
  ) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#deadline = performance.now() + timeoutMs;
    this.#timer = setTimeout(() => this.tooLate(), timeoutMs);
    signal?.addEventListener('abort', this.#aborted, { once: true });
  }

  /** Milliseconds until its timeout, at least 1. */
  get leftMs(): number {
    return Math.max(1, Math.round(this.#deadline - performance.now()));
  }

  succeed(reply: Message): void {
    this.#end();
    this.#resolve(reply);
  }

  fail(error: unknown): void {
    this.#end();
    this.#reject(error);
  }

  tooLate(cause?: unknown): void {
    this.fail(
      new DeadlineError(`no reply to the request on ${this.topic} came in time`, {
        code: 'DEADLINE_EXCEEDED',
        reason: 'NO_REPLY',
        messageId: this.messageId,
        cause,
      }),
    );
  }

  readonly #aborted = () => this.fail(this.signal?.reason);

  #end(): void {
    clearTimeout(this.#timer);
    this.signal?.removeEventListener('abort', this.#aborted);
    this.forget();
  }
}
