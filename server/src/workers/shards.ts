import { SHARDS } from '../model/shard.js';
import type { Lock, Locks } from '../ports/locks.js';
import type { Logger } from '../ports/logger.js';
import type { Membership } from '../ports/membership.js';
import type { Shard } from '../ports/schedule.js';
import type { Service } from '../ports/service.js';
import type { Permit } from './permit.js';

/** Asking for this permit costs nothing: a gateway that got its first shards begins after this long at the latest. */
const ASK_MS = 50;

interface Parts {
  /** What is done for the shards: a gateway that does not do it must not hold them. */
  readonly job: string;
  readonly locks: Locks;
  readonly membership: Membership;
  readonly logger: Logger;
  /** Of this gateway's process alone. */
  readonly gateway: string;
  /** Config `DLMExpiration`, in milliseconds. */
  readonly lockMs: number;
  /** Shards came or went. */
  readonly changed: () => void;
}

/**
 * The shards of the schedule that this gateway does a job for: its fair share of all, each under its own lock.
 *
 * Every third of the locks' time it says that it lives, counts who else does, renews what it holds, gives back what is more
 * than its share, and takes what is free. So the shards of a gateway that was killed are with others a third of that time after
 * its locks have run out, and a gateway that joins has its share within two thirds: the others give back, then it takes.
 */
export class Shards implements Service, Permit {
  readonly retryMs = ASK_MS;
  readonly #held = new Map<number, Lock>();
  readonly #first: number;
  #timer: NodeJS.Timeout | undefined;
  #busy: Promise<void> | undefined;
  #stopped = false;

  constructor(private readonly parts: Parts) {
    // Gateways begin to look for free shards at different places, and so seldom ask for the same one.
    this.#first = Math.floor(Math.random() * SHARDS);
  }

  /** With the fencing token of each. */
  get held(): readonly Shard[] {
    return [...this.#held].map(([shard, { fence }]) => ({ shard, fence }));
  }

  async granted(): Promise<boolean> {
    return this.#held.size > 0;
  }

  /** The shards are given back by `stop`, once no job uses them. */
  async release(): Promise<void> {}

  async start(): Promise<void> {
    this.#stopped = false;
    this.#timer ??= setInterval(() => this.#tick(), this.parts.lockMs / 3);
    await this.#tick();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#busy;
    const locks = [...this.#held.values()];
    this.#held.clear();
    await Promise.all([
      ...locks.map((lock) => lock.release()),
      this.parts.membership.leave(this.parts.job, this.parts.gateway).catch((error: unknown) => {
        this.parts.logger.debug({ error }, 'leaving was not noted; the others see it soon');
      }),
    ]);
  }

  #tick(): Promise<void> {
    this.#busy ??= this.balance()
      .catch((error: unknown) => this.parts.logger.debug({ error }, 'shards could not be balanced'))
      .finally(() => {
        this.#busy = undefined;
      });
    return this.#busy;
  }

  /** Brings what is held to the fair share. */
  async balance(): Promise<void> {
    const before = this.#held.size;
    await this.#renew();
    const { job, gateway, lockMs } = this.parts;
    const gateways = await this.parts.membership.announce(job, gateway, lockMs);
    const share = Math.ceil(SHARDS / Math.max(1, gateways));
    await this.#giveBack(share);
    await this.#take(share);
    if (this.#held.size === before) return;
    this.parts.logger.info({ job, gateways, shards: this.#held.size }, 'shards of the schedule are balanced');
    this.parts.changed();
  }

  async #renew(): Promise<void> {
    const before = this.#held.size;
    await Promise.all(
      [...this.#held].map(async ([shard, lock]) => {
        if (!(await lock.renew())) this.#held.delete(shard);
      }),
    );
    const lost = before - this.#held.size;
    if (lost === 0) return;
    const { job, logger } = this.parts;
    logger.warn({ job, lost, shards: this.#held.size }, 'locks of shards have run out');
  }

  async #giveBack(share: number): Promise<void> {
    const surplus = [...this.#held].slice(share);
    for (const [shard] of surplus) this.#held.delete(shard);
    await Promise.all(surplus.map(([, lock]) => lock.release()));
  }

  async #acquire(shard: number): Promise<void> {
    const { job, locks, lockMs } = this.parts;
    const lock = await locks.acquire(`${job}:${shard}`, lockMs);
    if (lock !== undefined) this.#held.set(shard, lock);
  }

  /** Asks for as many as are missing at a time, until the share is reached or all were asked for. */
  async #take(share: number): Promise<void> {
    let asked = 0;
    while (this.#held.size < share && asked < SHARDS && !this.#stopped) {
      const wanted: number[] = [];
      for (; asked < SHARDS && wanted.length < share - this.#held.size; asked++) {
        const shard = (this.#first + asked) % SHARDS;
        if (!this.#held.has(shard)) wanted.push(shard);
      }
      await Promise.all(wanted.map((shard) => this.#acquire(shard)));
    }
  }
}
