import type { ChannelId } from '../model/channel.js';
import type { Clock } from '../ports/clock.js';
import type { Rebalance } from '../ports/rebalance.js';
import type { Service } from '../ports/service.js';
import type { Dispatcher } from './dispatcher.js';
import type { Stall } from './stall.js';

const TICK_MS = 100;
/** A channel whose consumers starve says so this often. */
const SAY_MS = 5_000;
/** What was said counts for longer than it takes to be said again. */
const REMEMBER_MS = 12_000;

interface Parts {
  readonly rebalance: Rebalance;
  readonly dispatchers: ReadonlyMap<ChannelId, Pick<Dispatcher, 'starves' | 'giveWay'>>;
  readonly clock: Clock;
  readonly stall: Stall;
}

/**
 * Sees to it that no consumer waits while another gateway sits on messages that it can't hand out: starving channels say so to
 * all gateways, and a gateway that heard it gives back whatever waits in its buffer without a consumer for it.
 *
 * All that is to be said at a time is one word, so a gateway with thousands of idle channels says ten a second at most.
 */
export class Rebalancer implements Service {
  readonly #saidAt = new Map<ChannelId, number>();
  readonly #hungryUntil = new Map<ChannelId, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly parts: Parts) {}

  async start(): Promise<void> {
    this.parts.rebalance.onHungry((channels) => this.#hear(channels));
    this.#timer ??= setInterval(() => this.runOnce(), TICK_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  runOnce(): void {
    const now = this.parts.clock.steady();
    this.parts.stall.tick(now);
    this.#say(now);
    for (const [id, until] of this.#hungryUntil) {
      if (until <= now) this.#hungryUntil.delete(id);
      else this.parts.dispatchers.get(id)?.giveWay(now);
    }
  }

  /** One that was fed and starves again is still in the others' memory. */
  #say(now: number): void {
    for (const [id, saidAt] of this.#saidAt) if (now - saidAt >= SAY_MS) this.#saidAt.delete(id);
    const starving: ChannelId[] = [];
    for (const [id, dispatcher] of this.parts.dispatchers) {
      if (this.#saidAt.has(id) || !dispatcher.starves(now)) continue;
      this.#saidAt.set(id, now);
      starving.push(id);
    }
    if (starving.length > 0) this.parts.rebalance.hungry(starving);
  }

  #hear(channels: readonly ChannelId[]): void {
    const now = this.parts.clock.steady();
    for (const id of channels) {
      this.#hungryUntil.set(id, now + REMEMBER_MS);
      this.parts.dispatchers.get(id)?.giveWay(now);
    }
  }
}
