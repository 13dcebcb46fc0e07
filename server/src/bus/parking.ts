import type { Channel } from '../model/channel.js';
import { isPattern, matches } from '../model/topic.js';
import type { Clock } from '../ports/clock.js';
import type { Logger } from '../ports/logger.js';
import type { Schedule } from '../ports/schedule.js';
import type { Channels } from './channels.js';
import { ClaimSize } from './claim-size.js';
import { CLAIM_MS, type Releaser } from './release.js';

interface Parts {
  readonly releaser: Releaser;
  readonly schedule: Schedule;
  readonly channels: Channels;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** More topics than these do not wait for a channel at a time. */
const TOPICS = 100_000;

/**
 * Brings parked messages to the first channel that wants their topic.
 *
 * A message may be parked in the very moment its first channel is made, after that channel took what was parked. So both sides
 * look: a channel when it is made, a message when it is parked; and a worker looks once a second, for what a crash left.
 */
export class Parking {
  readonly #busy = new Map<string, Promise<void>>();

  constructor(private readonly parts: Parts) {}

  /** A channel's queue exists from now on: it gets what waits for it. */
  release(channel: Channel): void {
    void this.#try(async () => {
      if (!isPattern(channel.topic)) return this.#unpark(channel.topic);
      const topics = await this.parts.schedule.parkedTopics(TOPICS);
      for (const topic of topics) if (matches(channel.topic, topic)) await this.#unpark(topic);
    });
  }

  /** Messages of this topic were parked just now. */
  parked(topic: string): void {
    void this.#try(async () => {
      if ((await this.parts.channels.wanted([topic])).length > 0) await this.#unpark(topic);
    });
  }

  /** Looks at all parked topics; answers how many had a channel. */
  async runOnce(): Promise<number> {
    const topics = await this.parts.schedule.parkedTopics(TOPICS);
    if (topics.length === 0) return 0;
    const wanted = await this.parts.channels.wanted(topics);
    for (const topic of wanted) await this.#unpark(topic);
    return wanted.length;
  }

  /** One at a time a topic, so that its messages keep their order. */
  async #unpark(topic: string): Promise<void> {
    const busy = this.#busy.get(topic);
    const work = (busy ?? Promise.resolve()).catch(() => {}).then(() => this.#publishParked(topic));
    this.#busy.set(topic, work);
    try {
      await work;
    } finally {
      if (this.#busy.get(topic) === work) this.#busy.delete(topic);
    }
  }

  async #publishParked(topic: string): Promise<void> {
    const size = new ClaimSize();
    while (this.parts.releaser.ready) {
      const batch = await this.parts.schedule.claimParked(topic, this.parts.clock.now(), size.next, CLAIM_MS);
      if (batch.length === 0) return;
      size.observe(batch);
      const published = await this.parts.releaser.release(batch);
      // Nothing went through, as when the channel is gone again: they wait for the next look.
      if (published === 0) return;
    }
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.parts.logger.debug({ error }, 'parked messages could not be released; a worker tries again');
    }
  }
}
