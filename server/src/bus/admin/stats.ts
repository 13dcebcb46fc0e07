import { BusError } from '../../model/errors.js';
import type { Clock } from '../../ports/clock.js';
import type { Logger } from '../../ports/logger.js';
import type { NodeSheet, Totals } from '../../ports/node-board.js';
import type { Bus } from '../bus.js';
import type { Depths } from './depths.js';
import { type Nodes, sumTotals } from './nodes.js';

export interface StatsView {
  /** Unix milliseconds. */
  readonly at: number;
  readonly totals: Totals;
  readonly rates: Totals;
  /** Undefined: the ledger is away, and was so ever since the start. */
  readonly depths: DepthsView | undefined;
  readonly nodes: number;
  readonly consumers: number;
}

/** Messages, over all channels. */
export interface DepthsView {
  /** Undefined: not known. */
  readonly ready: number | undefined;
  readonly approximate: boolean;
  readonly inFlight: number;
  readonly scheduled: number;
  readonly parked: number;
  readonly dead: number;
  /** When they were taken, Unix milliseconds. */
  readonly at: number;
}

interface Parts {
  readonly bus: Bus;
  readonly nodes: Nodes;
  readonly depths: Depths;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** However many watch, depths are taken so often. */
const DEPTHS_MS = 2_000;
/** With more channels, asking the broker for each would take longer than the figures are good for. */
const MAX_CHANNELS = 500;

/** What goes on, in figures. */
export class Stats {
  #taken: { readonly at: number; readonly depths: Promise<DepthsView | undefined> } | undefined;
  #last: DepthsView | undefined;

  constructor(private readonly parts: Parts) {}

  /** Of one gateway, or of all when the name is empty. Undefined when there is none of that name. */
  async of(node: string): Promise<StatsView | undefined> {
    const all = await this.parts.nodes.list();
    const counted = node === '' ? all : all.filter(({ name }) => name === node);
    if (counted.length === 0) return undefined;
    return {
      at: this.parts.clock.now(),
      totals: sumTotals(counted.map(({ totals }) => totals)),
      rates: sumTotals(counted.map(({ rates }) => rates)),
      depths: await this.#depths(all),
      nodes: counted.length,
      consumers: counted.reduce((sum, { consumers }) => sum + consumers, 0),
    };
  }

  #depths(nodes: readonly NodeSheet[]): Promise<DepthsView | undefined> {
    const now = this.parts.clock.now();
    if (this.#taken === undefined || Math.abs(now - this.#taken.at) > DEPTHS_MS) {
      this.#taken = { at: now, depths: this.#takeOrLast(nodes, now) };
    }
    return this.#taken.depths;
  }

  async #takeOrLast(nodes: readonly NodeSheet[], now: number): Promise<DepthsView | undefined> {
    try {
      this.#last = await this.#take(nodes, now);
      return this.#last;
    } catch (error) {
      this.parts.logger.debug({ error }, 'depths could not be taken');
      this.#taken = undefined;
      // The ledger is away: the last figures, with their time.
      if (this.#last === undefined && !BusError.from(error).retryable) throw error;
      return this.#last;
    }
  }

  async #take(nodes: readonly NodeSheet[], now: number): Promise<DepthsView> {
    const { bus, depths } = this.parts;
    const { channels, scheduled, parked, dead } = await depths.counts();
    let inFlight = 0;
    for (const node of nodes) inFlight += node.inFlight;
    for (const { leased } of channels.values()) inFlight += leased;
    const all = await bus.channels.all();
    const asked = all.length > MAX_CHANNELS ? [] : await Promise.all(all.map((channel) => depths.ready(channel)));
    const known = all.length <= MAX_CHANNELS && asked.every((depth) => depth !== undefined);
    let ready = 0;
    let approximate = false;
    for (const depth of asked) {
      ready += depth?.messages ?? 0;
      approximate ||= depth?.approximate === true;
    }
    return { ready: known ? ready : undefined, approximate, inFlight, scheduled, parked, dead, at: now };
  }
}
