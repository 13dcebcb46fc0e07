import { BusError } from '../../model/errors.js';
import { isPattern, matches } from '../../model/topic.js';
import type { Backlogs } from '../../ports/backlogs.js';
import type { Clock } from '../../ports/clock.js';
import type { CronBook } from '../../ports/cron.js';
import type { Inspector } from '../../ports/inspector.js';
import type { Operator } from '../../ports/operator.js';
import { COUNT_LIMIT, type Page, type PageAsk } from '../../ports/page.js';
import type { Bus } from '../bus.js';
import type { ChannelDesk, ChannelView, DeleteTerms } from './channel-desk.js';
import { byName, pageOf } from './named-page.js';
import { inSight, type Sight } from './sight.js';

export interface TopicView {
  readonly name: string;
  readonly pattern: boolean;
  readonly channels: number;
  readonly parked: number;
}

export interface DeletedTopic {
  readonly channels: number;
  readonly purged: number;
  readonly cancelled: number;
  /** Cron entries. */
  readonly cron: number;
}

interface Parts {
  readonly bus: Bus;
  readonly inspector: Inspector;
  readonly backlogs: Backlogs;
  readonly operator: Operator;
  readonly channels: ChannelDesk;
  readonly cron: CronBook;
  readonly clock: Clock;
}

/** Topics with parked messages beyond these are not listed. */
const MAX_PARKED_TOPICS = 20_000;
const MAX_CHANNELS = 1_000;
const WITHDRAW_BATCH = 500;

/** Topics, for an operator. */
export class TopicDesk {
  constructor(private readonly parts: Parts) {}

  async list(prefix: string, ask: PageAsk, sight: Sight): Promise<Page<TopicView>> {
    const channels = inSight(await this.parts.bus.channels.all(), sight);
    const counts = new Map<string, number>();
    for (const { topic } of channels) counts.set(topic, (counts.get(topic) ?? 0) + 1);
    for (const topic of await this.parts.backlogs.parkedTopics(MAX_PARKED_TOPICS)) {
      if (!counts.has(topic) && sight.topic(topic)) counts.set(topic, 0);
    }
    const names = [...counts.keys()].filter((name) => name.startsWith(prefix)).sort();
    const { rows, next } = pageOf(names, ask, (name) => name);
    return { rows: await Promise.all(rows.map((name) => this.#view(name, counts.get(name) ?? 0))), next };
  }

  async get(topic: string, sight: Sight): Promise<{ readonly topic: TopicView; readonly channels: ChannelView[] }> {
    const all = inSight(await this.parts.bus.channels.all(), sight);
    const own = all.filter((channel) => channel.topic === topic);
    if (own.length === 0 && !(await this.parts.inspector.knowsTopic(topic))) {
      throw new BusError('TOPIC_NOT_FOUND', `nothing is known of the topic "${topic}"`);
    }
    const wanting = isPattern(topic) ? own : all.filter((channel) => matches(channel.topic, topic));
    const shown = wanting.toSorted(byName).slice(0, MAX_CHANNELS);
    return { topic: await this.#view(topic, own.length), channels: await this.parts.channels.views(shown) };
  }

  /** Messages of its channels end purged, those that wait for the topic itself cancelled; what is published to it again and again ends. */
  async delete(topic: string, terms: DeleteTerms): Promise<DeletedTopic> {
    const channels = (await this.parts.bus.channels.all()).filter((channel) => channel.topic === topic);
    const { delayed, parked } = await this.parts.backlogs.waiting(topic);
    const cron = await this.parts.cron.countOf(topic);
    if (channels.length === 0 && delayed + parked + cron === 0) {
      throw new BusError('TOPIC_NOT_FOUND', `the topic "${topic}" has no channel, and nothing waits for it`);
    }
    if (!terms.purge && !terms.dryRun && cron > 0) {
      const words = `the topic "${topic}" has ${cron} cron entries, which would make it anew: set purge to delete them too`;
      throw new BusError('TOPIC_HAS_CRON', words, { field: 'purge' });
    }
    if (!terms.purge && !terms.dryRun && delayed + parked > 0) {
      const words = `${delayed} messages are delayed and ${parked} parked for the topic "${topic}": set purge to cancel them`;
      throw new BusError('CHANNEL_NOT_EMPTY', words, { field: 'purge' });
    }
    // All are looked at before any is touched.
    for (const channel of channels) await this.parts.channels.checkDeletable(channel, terms);
    if (!terms.dryRun) await this.parts.cron.removeOf(topic);
    let purged = 0;
    for (const { name } of channels) purged += await this.parts.channels.delete(topic, name, terms);
    const cancelled = terms.dryRun ? delayed + parked : await this.#withdraw(topic, terms);
    return { channels: channels.length, purged, cancelled, cron };
  }

  async #withdraw(topic: string, { now, until }: DeleteTerms): Promise<number> {
    let cancelled = 0;
    for (;;) {
      if (this.parts.clock.now() >= until) {
        const words = `time was up with ${cancelled} messages of the topic "${topic}" cancelled, and more left: call again`;
        throw new BusError('DEADLINE_EXCEEDED', words);
      }
      const batch = await this.parts.operator.withdraw(topic, WITHDRAW_BATCH, now);
      cancelled += batch;
      if (batch < WITHDRAW_BATCH) return cancelled;
    }
  }

  async #view(name: string, channels: number): Promise<TopicView> {
    const pattern = isPattern(name);
    const { parked } = pattern ? { parked: 0 } : await this.parts.backlogs.waiting(name);
    return { name, pattern, channels, parked: Math.min(parked, COUNT_LIMIT) };
  }
}
