import type { Bus, Message, SubscribeOptions, Subscription } from '@waybill/sdk';

/** A subscription, and what has reached its handler. */
export class Inbox {
  readonly messages: Message[] = [];
  readonly errors: unknown[] = [];
  readonly #arrivals = new Map<string, number>();
  #subscription: Subscription | undefined;
  #changed: (() => void)[] = [];

  /** Resolves when it is open. `handler` runs after the message was noted. */
  static async open(
    bus: Bus,
    topic: string,
    channel: string,
    handler: (message: Message) => unknown = () => {},
    options: SubscribeOptions = {},
  ): Promise<Inbox> {
    const inbox = new Inbox();
    const onError = (error: unknown) => inbox.#note(() => inbox.errors.push(error));
    const handle = (message: Message) => {
      inbox.#note(() => {
        inbox.messages.push(message);
        inbox.#arrivals.set(message.text(), Date.now());
      });
      return handler(message);
    };
    inbox.#subscription = bus.subscribe(topic, channel, handle, { onError, ...options });
    await inbox.#subscription.ready;
    return inbox;
  }

  /** The bodies, in order of arrival. */
  get bodies(): string[] {
    return this.messages.map((message) => message.text());
  }

  /** When a body came last, in Unix milliseconds. */
  arrival(body: string): number {
    const at = this.#arrivals.get(body);
    if (at === undefined) throw new Error(`"${body}" has not come`);
    return at;
  }

  get attempts(): number[] {
    return this.messages.map(({ attempt }) => attempt);
  }

  /** Resolves when it holds. The test's own timeout is the limit. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }

  /** Resolves when so many messages have come. */
  async got(count: number): Promise<Message[]> {
    await this.until(() => this.messages.length >= count);
    return this.messages;
  }

  stop(timeout?: number): Promise<void> {
    return this.#subscription?.stop(timeout === undefined ? {} : { timeout }) ?? Promise.resolve();
  }

  #note(change: () => unknown): void {
    change();
    const waiters = this.#changed;
    this.#changed = [];
    for (const waiter of waiters) waiter();
  }
}

/** A promise, and what settles it. */
export class Latch {
  readonly opened: Promise<void>;
  open: () => void = () => {};

  constructor() {
    this.opened = new Promise((resolve) => {
      this.open = resolve;
    });
  }
}
