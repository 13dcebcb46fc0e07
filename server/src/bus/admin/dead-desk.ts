import type { Channel } from '../../model/channel.js';
import { BusError } from '../../model/errors.js';
import { openMessage, readIncoming, withoutTtl } from '../../model/message-codec.js';
import { isPattern, matches } from '../../model/topic.js';
import type { Backlogs, DeadFilter, DeadView, HeldKey, ScheduledView, WaitFilter } from '../../ports/backlogs.js';
import type { Clock } from '../../ports/clock.js';
import type { Operator, Redrive } from '../../ports/operator.js';
import type { Page, PageAsk, Position } from '../../ports/page.js';
import type { ChangeResult } from '../../ports/schedule.js';
import type { Bus } from '../bus.js';
import type { Depths } from './depths.js';
import { idsSeen, inSight, type Sight } from './sight.js';

/** Empty and 0: no limit. */
export interface DeadQuery {
  readonly topic: string;
  readonly channel: string;
  /** With a topic only. */
  readonly ids: readonly string[];
  readonly after: number;
  readonly before: number;
  readonly reason: string;
}

export interface Named<T> {
  readonly view: T;
  /** Undefined: it waits for its topic, or its channel was deleted. */
  readonly channel: Channel | undefined;
}

export interface Changed {
  readonly count: number;
  /** False: there may be more. */
  readonly complete: boolean;
}

export interface ChangeTerms {
  readonly limit: number;
  readonly dryRun: boolean;
  /** Nothing out of it is changed. */
  readonly sight: Sight;
  /** Unix milliseconds: when to give up. */
  readonly until: number;
}

export interface RedriveTerms {
  /** 0: no limit. */
  readonly perSecond: number;
  /** From here on they never expire. */
  readonly dropTtl: boolean;
}

interface Parts {
  readonly bus: Bus;
  readonly backlogs: Backlogs;
  readonly operator: Operator;
  readonly depths: Depths;
  readonly clock: Clock;
}

const BATCH = 500;
const EDIT_ATTEMPTS = 3;
/** What is redriven at a limited rate becomes due in steps of this long. */
const STEP_MS = 100;

/** What waits for its time, and dead letters, for an operator. */
export class DeadDesk {
  constructor(private readonly parts: Parts) {}

  async scheduled(
    filter: Omit<WaitFilter, 'channels'> & { readonly channel: string },
    ask: PageAsk,
    sight: Sight,
  ): Promise<Page<Named<ScheduledView>>> {
    const channels = inSight(await this.parts.bus.channels.all(), sight);
    const { channel, ...rest } = filter;
    const ids = idsSeen(channels, { topic: filter.topic ?? '', channel }, sight);
    return named(await this.parts.backlogs.scheduled({ ...rest, channels: ids }, ask), channels);
  }

  async runNow(key: HeldKey): Promise<ChangeResult> {
    const now = this.parts.clock.now();
    const result = await this.parts.operator.runNow(key, now);
    if (result === 'changed') this.parts.bus.wakeAt(now);
    return result;
  }

  /** Throws as the bus does, for clients. */
  cancel(topic: string, id: string): Promise<void> {
    return this.parts.bus.cancel(topic, id);
  }

  reschedule(
    topic: string,
    id: string,
    when: { readonly delayMs: number; readonly dueTimeMs: number },
  ): Promise<number> {
    return this.parts.bus.reschedule(topic, id, when);
  }

  async dead(query: DeadQuery, ask: PageAsk, sight: Sight): Promise<Page<Named<DeadView>>> {
    const channels = inSight(await this.parts.bus.channels.all(), sight);
    return named(await this.parts.backlogs.dead(filterOf(query, channels, sight), ask), channels);
  }

  /** Throws DEAD_NOT_FOUND, and DEAD_CHANGED when others change it again and again. Answers how it was, and how it is. */
  async edit(
    { topic, id }: { readonly topic: string; readonly id: string },
    channel: Channel,
    change: (wire: Uint8Array) => Uint8Array,
  ): Promise<{ readonly before: DeadView; readonly after: Named<DeadView> }> {
    const { backlogs, bus, operator } = this.parts;
    const filter = { topic, channels: [channel.id], ids: [id], after: 0, before: 0, reason: '' };
    for (let attempt = 0; attempt < EDIT_ATTEMPTS; attempt++) {
      const [before] = (await backlogs.dead(filter, { limit: 1, from: undefined })).rows;
      if (before === undefined) {
        const where = `channel "${channel.name}" of "${channel.topic}"`;
        throw new BusError('DEAD_NOT_FOUND', `message "${id}" of topic "${topic}" is no dead letter of ${where}`);
      }
      const wire = change(before.wire);
      const bytes = Buffer.from(wire);
      bus.rules.check(readIncoming(bytes, 0, bytes.length), 'message', before.acceptedAt);
      const message = openMessage(bytes);
      const edit = { from: before.wire, to: wire, acceptedAt: before.acceptedAt, terms: bus.termsOf(message) };
      if (await operator.edit(keyOf(before), edit)) return { before, after: { view: { ...before, wire }, channel } };
    }
    throw new BusError(
      'DEAD_CHANGED',
      `message "${id}" of topic "${topic}" is being changed by others: look at it again`,
    );
  }

  /** Each becomes due at once, or as many a second as `perSecond` says; 0: no limit. */
  async redrive(
    query: DeadQuery,
    actor: string,
    { perSecond, dropTtl }: RedriveTerms,
    terms: ChangeTerms,
  ): Promise<Changed> {
    const { operator, bus, clock } = this.parts;
    const now = clock.now();
    const changed = await this.#each(query, terms, (letters, before) => {
      const due = letters.map((letter, i): Redrive => {
        const step = perSecond === 0 ? 0 : Math.floor(((before + i) * 1_000) / perSecond / STEP_MS);
        const { wire } = letter;
        const expires =
          dropTtl && openMessage(Buffer.from(wire.buffer, wire.byteOffset, wire.byteLength)).expiresAt > 0;
        return { ...keyOf(letter), dueAt: now + step * STEP_MS, ...(expires ? { wire: withoutTtl(wire) } : {}) };
      });
      return operator.redrive(due, { actor, now: clock.now() });
    });
    if (changed.count > 0 && !terms.dryRun) bus.wakeAt(now);
    return changed;
  }

  delete(query: DeadQuery, terms: ChangeTerms): Promise<Changed> {
    return this.#each(query, terms, (letters) =>
      this.parts.operator.discard(letters.map(keyOf), 'dead', this.parts.clock.now()),
    );
  }

  /** Goes over the dead letters that there are when it begins. */
  async #each(
    query: DeadQuery,
    { limit, dryRun, until, sight }: ChangeTerms,
    change: (letters: readonly DeadView[], before: number) => Promise<number>,
  ): Promise<Changed> {
    const { backlogs, bus, clock, depths } = this.parts;
    const filter = filterOf(query, inSight(await bus.channels.all(), sight), sight);
    let count = 0;
    let seen = 0;
    let from: Position | undefined;
    do {
      if (clock.now() >= until || seen >= limit) return { count, complete: false };
      const page: Page<DeadView> = await backlogs.dead(filter, { limit: Math.min(BATCH, limit - seen), from });
      if (page.rows.length > 0) count += dryRun ? page.rows.length : await change(page.rows, seen);
      seen += page.rows.length;
      from = page.next;
    } while (from !== undefined);
    depths.forget();
    return { count, complete: true };
  }
}

/** `channels` are those in sight. */
function filterOf(query: DeadQuery, channels: readonly Channel[], sight: Sight): DeadFilter {
  const { topic, channel, ids, after, before, reason } = query;
  const named = channel === '' ? channels : channels.filter(({ name }) => name === channel);
  // Ids are looked up on each channel that the topic's messages go to.
  const wanting = named.filter((one) => (isPattern(one.topic) ? matches(one.topic, topic) : one.topic === topic));
  const byIds = ids.length > 0;
  return {
    topic: topic === '' ? undefined : topic,
    channels: byIds ? wanting.map(({ id }) => id) : idsSeen(channels, query, sight),
    ids: byIds ? ids : undefined,
    after,
    before,
    reason,
  };
}

function keyOf({ channel, topic, id }: HeldKey): HeldKey {
  return { channel, topic, id };
}

function named<T extends HeldKey>({ rows, next }: Page<T>, channels: readonly Channel[]): Page<Named<T>> {
  return { rows: rows.map((view) => ({ view, channel: channels.find(({ id }) => id === view.channel) })), next };
}
