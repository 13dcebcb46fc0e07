import type { Channel } from '../../model/channel.js';
import type { Clock } from '../../ports/clock.js';
import type { Logger } from '../../ports/logger.js';
import type { Bus } from '../bus.js';
import type { ChannelDepth, Depths } from './depths.js';
import type { Nodes } from './nodes.js';

/** The depths of all channels, as they were at one time. */
export interface Reading {
  readonly channels: readonly ChannelReading[];
  /** The sum over the channels that have no reading of their own; undefined when there are none. */
  readonly others: Pick<ChannelDepth, 'ready' | 'scheduled' | 'dead'> | undefined;
  readonly scheduled: number;
  readonly parked: number;
  /** How old it is. */
  readonly ageMs: number;
}

export interface ChannelReading extends ChannelDepth {
  readonly channel: Channel;
}

interface Parts {
  readonly bus: Bus;
  readonly nodes: Nodes;
  readonly depths: Depths;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** However often it is asked, depths are taken so often. */
const FRESH_MS = 5_000;
/** Older ones tell nothing that anybody should act upon. */
const STALE_MS = 60_000;
/** With more channels, asking the broker for each would take longer than the figures are good for. */
const MAX_CHANNELS = 500;

/**
 * Depths for whoever must not wait: an engine that is away or slow gives the last ones, with their age, and after a minute only
 * that age.
 */
export class DepthReadings {
  readonly #startedAt: number;
  #last: (Omit<Reading, 'ageMs'> & { readonly at: number }) | undefined;
  #reading: Promise<void> | undefined;

  constructor(private readonly parts: Parts) {
    this.#startedAt = parts.clock.steady();
  }

  /** Waits for fresh ones, at most so long. `reading` is undefined when the last are too old, or there were none. */
  async read(
    most: number,
    patienceMs: number,
  ): Promise<{ readonly ageMs: number; readonly reading: Reading | undefined }> {
    const { clock } = this.parts;
    if (this.#last === undefined || clock.steady() - this.#last.at >= FRESH_MS) {
      this.#reading ??= this.#take(most).finally(() => {
        this.#reading = undefined;
      });
      await within(this.#reading, patienceMs);
    }
    const ageMs = clock.steady() - (this.#last?.at ?? this.#startedAt);
    const last = ageMs > STALE_MS ? undefined : this.#last;
    return { ageMs, reading: last === undefined ? undefined : { ...last, ageMs } };
  }

  async #take(most: number): Promise<void> {
    const { bus, nodes, depths, clock, logger } = this.parts;
    const at = clock.steady();
    try {
      const [all, sheets, { scheduled, parked }] = await Promise.all([
        bus.channels.all(),
        nodes.list(),
        depths.counts(),
      ]);
      const asked = [...all].sort((one, two) => one.id - two.id).slice(0, MAX_CHANNELS);
      const read = await Promise.all(
        asked.map(async (channel) => ({ ...(await depths.of(channel, sheets)), channel })),
      );
      const rest = read.slice(most);
      const others =
        all.length <= most
          ? undefined
          : {
              ready: all.length > MAX_CHANNELS ? undefined : sumOrUndefined(rest.map(({ ready }) => ready)),
              scheduled: rest.reduce((sum, depth) => sum + depth.scheduled, 0),
              dead: rest.reduce((sum, depth) => sum + depth.dead, 0),
            };
      this.#last = { at, channels: read.slice(0, most), others, scheduled, parked };
    } catch (error) {
      logger.debug({ error }, 'depths could not be taken');
    }
  }
}

function sumOrUndefined(values: readonly (number | undefined)[]): number | undefined {
  let sum = 0;
  for (const value of values) {
    if (value === undefined) return undefined;
    sum += value;
  }
  return sum;
}

async function within(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([
    work,
    new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    }),
  ]);
  clearTimeout(timer);
}
