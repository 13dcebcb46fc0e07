import { type Bus, connect, type Message, type PublishOptions } from '@waybill/sdk';
import { publishInWindow } from '../loads/window.js';
import type { Subject, Watch } from '../watch.js';
import type { Plan } from './plan.js';

const WINDOW = 2_000;
const CREDIT = 1_000;
const QUIET_MS = 60_000;

/** What both parts of the run work with. */
export interface Stage {
  readonly subject: Subject;
  readonly watch: Watch;
  readonly plan: Plan;
  readonly bus: Bus;
  readonly body: Uint8Array;
  /** Of this run alone: message ids begin with it. */
  readonly name: string;
  readonly say: (line: string) => void;
}

export async function openBus(subject: Subject): Promise<Bus> {
  return connect({ url: subject.url, deadline: '60s' });
}

/** Publishes the plan's messages under these ids, each durable; answers how many a second. */
export async function publishAll(
  { bus, plan, body }: Stage,
  topic: string,
  outcome: 'accepted' | 'scheduled',
  options: (number: number) => PublishOptions,
): Promise<number> {
  let number = 0;
  const from = performance.now();
  await publishInWindow(plan.messages, WINDOW, (confirmed) => {
    bus.publish(topic, body, options(number++)).then((published) => {
      confirmed(published.outcome === outcome ? undefined : new Error(`a message was ${published.outcome}`));
    }, confirmed);
  });
  return perSecond(plan.messages, from);
}

/** Makes the channel, which then keeps every message. */
export async function makeChannel({ bus }: Stage, topic: string, channel: string): Promise<void> {
  const subscription = bus.subscribe(topic, channel, () => {});
  await subscription.ready;
  await subscription.stop();
}

/** Acks all that comes. */
export class Drain {
  readonly #stage: Stage;
  readonly #stop: () => Promise<void>;
  #acked = 0;
  #lastAt = performance.now();
  #failure: unknown;
  #changed: () => void = () => {};

  /** `came` is called with each message as it comes. */
  static async start(stage: Stage, topic: string, channel: string, came: (message: Message) => void): Promise<Drain> {
    const fail = (error: unknown) => drain.#fail(error);
    const subscription = stage.bus.subscribe(
      topic,
      channel,
      async (message) => {
        came(message);
        await message.ack();
        drain.#ack();
      },
      { concurrency: CREDIT, credit: CREDIT, settle: 'manual', onError: fail },
    );
    const drain = new Drain(stage, () => subscription.stop());
    await subscription.ready;
    return drain;
  }

  private constructor(stage: Stage, stop: () => Promise<void>) {
    this.#stage = stage;
    this.#stop = stop;
  }

  /** When the last ack was answered, by `performance.now()`. */
  get lastAt(): number {
    return this.#lastAt;
  }

  /** Resolves when the condition holds, which is asked after every ack; rejects when nothing comes for a minute. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#failure !== undefined) throw this.#failure;
      await this.#change(condition);
    }
  }

  stop(): Promise<void> {
    return this.#stop();
  }

  #change(condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setInterval(() => {
        if (performance.now() - this.#lastAt < QUIET_MS) return;
        clearInterval(timer);
        reject(new Error(`nothing came for ${QUIET_MS / 1_000} s, after ${this.#acked} acks (${this.#stage.name})`));
      }, 1_000);
      this.#changed = () => {
        if (!condition() && this.#failure === undefined) return;
        clearInterval(timer);
        resolve();
      };
    });
  }

  #ack(): void {
    this.#acked++;
    this.#lastAt = performance.now();
    this.#changed();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#changed();
  }
}

export function perSecond(count: number, from: number, to = performance.now()): number {
  return (count * 1_000) / (to - from);
}
