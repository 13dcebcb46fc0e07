import type { Channel } from '../../model/channel.js';
import type { Backlogs, LedgerCounts } from '../../ports/backlogs.js';
import { NO_COUNTS } from '../../ports/backlogs.js';
import type { Clock } from '../../ports/clock.js';
import type { Logger } from '../../ports/logger.js';
import type { NodeSheet } from '../../ports/node-board.js';
import type { Queues } from '../../ports/queues.js';
import type { Bus } from '../bus.js';

/** In messages. */
export interface ChannelDepth {
  /** Undefined: the broker is away. */
  readonly ready: number | undefined;
  readonly approximate: boolean;
  readonly inFlight: number;
  readonly scheduled: number;
  readonly dead: number;
  /** Some count stopped at its limit. */
  readonly more: boolean;
  /** Unix milliseconds; 0: nothing is ready, or it is not known. */
  readonly oldestAcceptedAt: number;
}

interface Parts {
  readonly bus: Bus;
  readonly queues: Queues;
  readonly backlogs: Backlogs;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The ledger counts its index anew after this long: several lists of one screen ask at the same time. */
const COUNTS_MS = 1_000;

/** How much waits where. */
export class Depths {
  #counted: { readonly at: number; readonly counts: Promise<LedgerCounts> } | undefined;

  constructor(private readonly parts: Parts) {}

  async of(channel: Channel, nodes: readonly NodeSheet[]): Promise<ChannelDepth> {
    const [queue, counts] = await Promise.all([this.ready(channel), this.counts()]);
    const { leased, retry, dead } = counts.channels.get(channel.id) ?? NO_COUNTS;
    return {
      ready: queue?.messages,
      approximate: queue?.approximate ?? false,
      inFlight: leased + heldBy(nodes, channel),
      scheduled: retry,
      dead,
      more: counts.more,
      oldestAcceptedAt: queue?.oldestAt ?? 0,
    };
  }

  /** What waits in the channel's queue, and in this gateway; undefined while the broker is away. */
  async ready(
    channel: Channel,
  ): Promise<{ readonly messages: number; readonly approximate: boolean; readonly oldestAt: number } | undefined> {
    const local = this.parts.bus.local(channel.id);
    try {
      const { frames, messages, approximate, oldestAt } = await this.parts.queues.depth(channel);
      const queued = messages ?? Math.round(frames * (local?.messagesPerFrame ?? 1));
      const times = [oldestAt, local?.oldestAcceptedAt ?? 0].filter((time) => time > 0);
      return {
        messages: queued + (local?.buffered ?? 0),
        approximate,
        oldestAt: times.length === 0 ? 0 : Math.min(...times),
      };
    } catch (error) {
      this.parts.logger.debug({ error, channel: channel.name }, 'a queue could not be asked for its depth');
      return undefined;
    }
  }

  counts(): Promise<LedgerCounts> {
    const now = this.parts.clock.now();
    if (this.#counted === undefined || Math.abs(now - this.#counted.at) > COUNTS_MS) {
      const counts = this.parts.backlogs.counts();
      this.#counted = { at: now, counts };
      counts.catch(() => this.forget());
    }
    return this.#counted.counts;
  }

  /** Something was changed that the next count must tell. */
  forget(): void {
    this.#counted = undefined;
  }
}

function heldBy(nodes: readonly NodeSheet[], { topic, name }: Channel): number {
  let held = 0;
  for (const { consumerSheets } of nodes) {
    for (const sheet of consumerSheets) if (sheet.topic === topic && sheet.channel === name) held += sheet.inFlight;
  }
  return held;
}
