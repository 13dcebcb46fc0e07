import type { Channel } from '../../model/channel.js';
import { BusError } from '../../model/errors.js';
import type { RetryPolicy } from '../../model/retry-policy.js';
import type { Backlogs, HeldKey } from '../../ports/backlogs.js';
import type { Inspector } from '../../ports/inspector.js';
import type { NodeSheet } from '../../ports/node-board.js';
import type { Operator } from '../../ports/operator.js';
import type { Page, PageAsk, Position } from '../../ports/page.js';
import type { Queues } from '../../ports/queues.js';
import type { Bus } from '../bus.js';
import type { ChannelDepth, Depths } from './depths.js';
import { byName, channelName, pageOf } from './named-page.js';
import type { Nodes } from './nodes.js';
import { type Purged, type PurgeParts, purgeQueue } from './purge.js';
import { inSight, type Sight } from './sight.js';

export interface ChannelView {
  readonly channel: Channel;
  readonly depth: ChannelDepth;
  readonly consumers: number;
}

export interface DeleteTerms {
  /** Also what it holds. */
  readonly purge: boolean;
  readonly dryRun: boolean;
  readonly now: number;
  /** Unix milliseconds: when to give up. */
  readonly until: number;
}

interface Parts extends PurgeParts {
  readonly bus: Bus;
  readonly queues: Queues;
  readonly inspector: Inspector;
  readonly backlogs: Backlogs;
  readonly operator: Operator;
  readonly nodes: Nodes;
  readonly depths: Depths;
}

const BATCH = 500;

/** Channels, for an operator. */
export class ChannelDesk {
  constructor(private readonly parts: Parts) {}

  async list(
    { topic, prefix }: { readonly topic: string; readonly prefix: string },
    ask: PageAsk,
    sight: Sight,
  ): Promise<Page<ChannelView>> {
    const all = inSight(await this.parts.bus.channels.all(), sight)
      .filter((channel) => (topic === '' || channel.topic === topic) && channel.name.startsWith(prefix))
      .toSorted(byName);
    const { rows, next } = pageOf(all, ask, channelName);
    return { rows: await this.views(rows), next };
  }

  async views(channels: readonly Channel[]): Promise<ChannelView[]> {
    const nodes = await this.parts.nodes.list();
    return Promise.all(
      channels.map(async (channel) => ({
        channel,
        depth: await this.parts.depths.of(channel, nodes),
        consumers: consumersOf(nodes, channel),
      })),
    );
  }

  async get(topic: string, name: string): Promise<ChannelView> {
    return this.#view(await this.find(topic, name));
  }

  async create(topic: string, name: string, retry: RetryPolicy | undefined): Promise<ChannelView> {
    return this.#view(await this.parts.bus.channels.open(topic, name, retry));
  }

  /** Throws CHANNEL_NOT_FOUND. */
  async find(topic: string, name: string): Promise<Channel> {
    const all = await this.parts.bus.channels.all();
    const channel = all.find((one) => one.topic === topic && one.name === name);
    if (channel === undefined) throw new BusError('CHANNEL_NOT_FOUND', `"${topic}" has no channel "${name}"`);
    return channel;
  }

  async pause(topic: string, name: string, paused: boolean): Promise<void> {
    const channel = await this.find(topic, name);
    await this.parts.operator.pause(channel.id, paused);
    // This gateway holds it from here on; the others learn it with their next look at the channels.
    await this.parts.bus.channels.refresh(true);
  }

  /** What waits in its queue. */
  async purgeReady(channel: Channel, terms: { readonly now: number; readonly until: number }): Promise<Purged> {
    const local = this.parts.bus.local(channel.id);
    try {
      // What waits in this gateway goes back to the queue first. What the broker does not take now is not purged.
      await local?.hold('purged', true, Math.max(0, terms.until - this.parts.clock.now()));
      const { count, complete } = await purgeQueue(this.parts, channel, { before: terms.now, until: terms.until });
      return { count, complete: complete && (local?.buffered ?? 0) === 0 };
    } finally {
      await local?.hold('purged', false);
    }
  }

  /** Its retries. */
  async purgeScheduled(channel: Channel, terms: { readonly now: number; readonly until: number }): Promise<Purged> {
    const filter = { topic: undefined, channels: [channel.id], after: 0, before: 0 };
    const list = async (from: Position | undefined) => {
      const page = await this.parts.backlogs.scheduled(filter, { limit: BATCH, from });
      return { ...page, rows: page.rows.filter(({ acceptedAt }) => acceptedAt < terms.now) };
    };
    return this.#discard(list, 'retry', terms);
  }

  async countReady(channel: Channel): Promise<number> {
    return (await this.parts.depths.ready(channel))?.messages ?? 0;
  }

  async countScheduled(channel: Channel): Promise<number> {
    return (await this.parts.backlogs.holding(channel.id)).retry;
  }

  /** Throws CHANNEL_IN_USE, and CHANNEL_NOT_EMPTY unless it may be purged. Answers what it holds. */
  async checkDeletable(channel: Channel, { purge, dryRun }: { purge: boolean; dryRun: boolean }): Promise<number> {
    const { consumers, depth } = await this.#view(channel);
    if (consumers > 0) {
      throw new BusError(
        'CHANNEL_IN_USE',
        `channel "${channel.name}" of "${channel.topic}" has ${consumers} consumers`,
      );
    }
    if (depth.ready === undefined) throw new BusError('BROKER_UNAVAILABLE', 'the broker is away');
    // Its own counts, of this moment: those of the view stop at a limit over all channels.
    const holds = depth.ready + (await this.#held(channel));
    if (holds > 0 && !purge && !dryRun) {
      const words = `channel "${channel.name}" of "${channel.topic}" holds ${holds} messages: set purge to end them`;
      throw new BusError('CHANNEL_NOT_EMPTY', words, { field: 'purge' });
    }
    return holds;
  }

  /** Answers how many messages were purged. Safe to repeat when the time was up. */
  async delete(topic: string, name: string, terms: DeleteTerms): Promise<number> {
    const channel = await this.find(topic, name);
    const holds = await this.checkDeletable(channel, terms);
    if (terms.dryRun) return holds;
    let purged = 0;
    // A retry that was on its way to the broker was left out, and would be without a channel.
    for (let left = holds; left > 0; left = await this.#held(channel)) purged += await this.#purgeAll(channel, terms);
    if (!(await this.parts.bus.retire(channel.id))) {
      throw new BusError('CHANNEL_IN_USE', `channel "${name}" of "${topic}" has got a consumer`);
    }
    await this.parts.queues.remove(channel, { withContents: terms.purge });
    await this.parts.operator.remove(channel.id);
    this.parts.bus.channels.drop(channel);
    await this.parts.bus.channels.refresh(true);
    this.parts.depths.forget();
    return purged;
  }

  /** How many messages the ledger holds for it. */
  async #held(channel: Channel): Promise<number> {
    const { leased, retry, dead } = await this.parts.backlogs.holding(channel.id);
    return leased + retry + dead;
  }

  async #purgeAll(channel: Channel, terms: DeleteTerms): Promise<number> {
    // A retry or lease that ends while this goes on lands in the queue, or dies: so the queue comes after, and the dead last.
    const channels = [channel.id];
    const times = { topic: undefined, channels, after: 0, before: 0 };
    const leased = await this.#discard(
      (from) => this.parts.inspector.records({ ...times, states: ['leased'] }, { limit: BATCH, from }),
      'leased',
      terms,
    );
    const retries = await this.purgeScheduled(channel, { ...terms, now: Number.MAX_SAFE_INTEGER });
    const ready = await this.purgeReady(channel, { ...terms, now: Number.MAX_SAFE_INTEGER });
    const dead = await this.#discard(
      (from) => this.parts.backlogs.dead({ ...times, ids: undefined, reason: '' }, { limit: BATCH, from }),
      'dead',
      terms,
    );
    const all = [leased, retries, ready, dead];
    if (all.some(({ complete }) => !complete)) {
      throw new BusError(
        'DEADLINE_EXCEEDED',
        'time was up before all messages were purged: the channel stays; call again',
      );
    }
    return all.reduce((sum, { count }) => sum + count, 0);
  }

  async #discard(
    list: (from: Position | undefined) => Promise<Page<HeldKey>>,
    state: 'leased' | 'retry' | 'dead',
    { now, until }: { readonly now: number; readonly until: number },
  ): Promise<Purged> {
    const { operator, clock } = this.parts;
    let count = 0;
    let from: Position | undefined;
    do {
      if (clock.now() >= until) return { count, complete: false };
      const page = await list(from);
      count += await operator.discard(page.rows, state, Math.min(now, clock.now()));
      from = page.next;
    } while (from !== undefined);
    this.parts.depths.forget();
    return { count, complete: true };
  }

  async #view(channel: Channel): Promise<ChannelView> {
    const [view] = await this.views([channel]);
    if (view === undefined) throw new Error('one channel has one view');
    return view;
  }
}

function consumersOf(nodes: readonly NodeSheet[], { topic, name }: Channel): number {
  let consumers = 0;
  for (const { consumerSheets } of nodes) {
    consumers += consumerSheets.filter((sheet) => sheet.topic === topic && sheet.channel === name).length;
  }
  return consumers;
}
