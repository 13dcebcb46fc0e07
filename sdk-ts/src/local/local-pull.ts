import { nack } from '../consumer/action.js';
import type { PullOptions } from '../consumer/pull-options.js';
import { MAX_LEASE_SECONDS } from '../consumer/received-message.js';
import { milliseconds, seconds } from '../duration.js';
import { count } from '../options.js';
import type { Channel, Taker } from './channel.js';
import type { LocalMessage } from './local-message.js';

const MAX_WAIT_MS = 3_600_000;

export interface PullLimits {
  readonly batch: number;
  readonly leaseMs: number;
}

/** Throws InvalidArgumentError for options out of range. How long one call waits means nothing here: there are no calls. */
export function pullLimits({ batch = 1, lease, wait = 0 }: PullOptions, leaseMs: number): PullLimits {
  milliseconds(wait, 'wait', 0, MAX_WAIT_MS);
  return {
    batch: count(batch, 'batch', 1, 1_000),
    leaseMs: lease === undefined ? leaseMs : seconds(lease, 'lease', 1, MAX_LEASE_SECONDS) * 1_000,
  };
}

/** Takes messages until the loop is left or the signal aborts. Messages that were taken and not given to the loop when it is left go back. */
export async function* localPull(
  channel: Channel,
  { batch, leaseMs }: PullLimits,
  signal: AbortSignal,
): AsyncGenerator<LocalMessage, void, undefined> {
  while (!signal.aborted) {
    const messages = await new PullTaker(batch, leaseMs).from(channel, signal);
    let given = 0;
    try {
      for (const message of messages) {
        if (signal.aborted) return;
        given++;
        yield message;
      }
    } finally {
      for (const message of messages.slice(given))
        message.finish(nack(0, 'not handled: the consumer left its loop', true));
    }
  }
}

/** Takes one batch. */
class PullTaker implements Taker {
  readonly leased = true;
  readonly #messages: LocalMessage[] = [];
  #arrived: () => void = () => {};

  constructor(
    readonly batch: number,
    readonly leaseMs: number,
  ) {}

  get room(): number {
    return this.batch - this.#messages.length;
  }

  take(message: LocalMessage): void {
    this.#messages.push(message);
    this.#arrived();
  }

  released(): void {}
  left(): void {}
  refused(): void {}

  /** What is there; otherwise waits for a first message. Empty when the signal aborts. */
  async from(channel: Channel, signal: AbortSignal): Promise<readonly LocalMessage[]> {
    channel.serve(this);
    if (this.#messages.length > 0) return this.#messages;
    const stop = () => this.#arrived();
    const arrived = new Promise<void>((resolve) => {
      this.#arrived = resolve;
    });
    signal.addEventListener('abort', stop);
    channel.join(this);
    await arrived;
    channel.leave(this);
    signal.removeEventListener('abort', stop);
    return this.#messages;
  }
}
