import type { ChannelId } from '../../model/channel.js';
import { openMessage } from '../../model/message-codec.js';
import type { ChangeResult, Due, ExpiredLease, Schedule, SettledClaim, Shard, Waiting } from '../../ports/schedule.js';
import type { Store } from '../sqlite/store.js';
import { type Deliveries, deliveriesOf } from './deliveries.js';
import type { Key } from './key.js';
import { type Terms, termsOf } from './terms.js';
import { Topics } from './topics.js';
import { type Ended, type WaitingRow, type WaitingRows, waitingOf } from './waiting.js';

const UNAVAILABLE = 'LEDGER_UNAVAILABLE';
/** The channel_id of a message that waits for its topic. */
const TOPIC_ITSELF = 0;

/** The schedule in the data file. */
export class SqliteSchedule implements Schedule {
  readonly #store: Store;
  readonly #topics: Topics;
  readonly #rows: WaitingRows;
  readonly #deliveries: Deliveries;
  readonly #terms: Terms;
  /** The highest fencing token of each shard. In memory: the file is this process's alone. */
  readonly #fences = new Map<number, number>();

  constructor(store: Store) {
    this.#store = store;
    this.#topics = new Topics(store);
    this.#rows = waitingOf(store);
    this.#deliveries = deliveriesOf(store);
    this.#terms = termsOf(store);
  }

  add(messages: readonly Waiting[]): Promise<boolean[]> {
    return this.#store.write(UNAVAILABLE, () =>
      messages.map(({ message, dueAt, terms }) => {
        const topic = this.#topics.number(message.topic);
        if (!this.#rows.add(topic, message, dueAt)) return false;
        if (terms !== undefined)
          this.#terms.put({ channel: TOPIC_ITSELF, topic, id: message.id }, terms, message.acceptedAt);
        return true;
      }),
    );
  }

  claim(now: number, limit: number, claimMs: number, shards: readonly Shard[]): Promise<Due[]> {
    return this.#store.write(UNAVAILABLE, () => {
      const passed = shards.filter((shard) => this.#passes(shard)).map(({ shard }) => shard);
      return passed.length === 0 ? [] : this.#claim(this.#rows.due(now, limit, passed), now + claimMs);
    });
  }

  claimParked(topic: string, now: number, limit: number, claimMs: number): Promise<Due[]> {
    return this.#store.write(UNAVAILABLE, () => {
      const number = this.#topics.find(topic);
      return number === undefined ? [] : this.#claim(this.#rows.parked(number, now, limit), now + claimMs);
    });
  }

  async parkedTopics(limit: number): Promise<string[]> {
    return this.#store.read(UNAVAILABLE, () => this.#rows.parkedTopics(this.#store.clock.now(), limit));
  }

  settle(settled: readonly SettledClaim[], now: number): Promise<void> {
    return this.#store.write(UNAVAILABLE, () => {
      for (const { due, how, indexed = false } of settled) {
        const [row, claim] = readClaim(due.claim);
        if (how === 'parked') {
          this.#rows.park(row, claim);
          continue;
        }
        const ended = this.#rows.end(row, claim);
        if (ended === undefined) continue;
        if (how === 'expired') this.#expire(ended, now);
        else if (indexed)
          this.#terms.forget({ channel: ended.channel_id, topic: ended.topic_id, id: ended.message_id });
      }
    });
  }

  async expiredLeases(now: number, limit: number, shards: readonly Shard[]): Promise<ExpiredLease[]> {
    if (shards.length === 0) return [];
    const numbers = shards.map(({ shard }) => shard);
    return this.#store.read(UNAVAILABLE, () => this.#rows.expiredLeases(now, limit, numbers));
  }

  async nextDue(): Promise<number | undefined> {
    return this.#store.read(UNAVAILABLE, () => this.#rows.nextDue());
  }

  cancel(topic: string, id: string, now: number): Promise<ChangeResult> {
    return this.#change(topic, id, (key) => {
      const row = this.#rows.cancel(key);
      if (row === undefined) return false;
      this.#deliveries.end(key, 0, 0, 'cancelled', row.accepted_at, now);
      return true;
    });
  }

  reschedule(topic: string, id: string, dueAt: number): Promise<ChangeResult> {
    return this.#change(topic, id, (key) => this.#rows.reschedule(key, dueAt));
  }

  prune(before: number, limit: number): Promise<number> {
    return this.#store.write(UNAVAILABLE, () => this.#deliveries.prune(before, limit));
  }

  #passes({ shard, fence }: Shard): boolean {
    if (fence < (this.#fences.get(shard) ?? 0)) return false;
    this.#fences.set(shard, fence);
    return true;
  }

  #claim(rows: readonly WaitingRow[], until: number): Due[] {
    if (rows.length === 0) return [];
    const claim = this.#rows.nextClaim();
    return rows.map((row) => {
      this.#rows.claim(row.row, claim, until);
      return {
        claim: `${row.row}:${claim}`,
        channel: isChannel(row.channel_id) ? row.channel_id : undefined,
        message: openMessage(Buffer.from(row.wire.buffer, row.wire.byteOffset, row.wire.byteLength)),
        dueAt: row.due_at,
      };
    });
  }

  /** The record of a retry ends with it, unless something newer happened; a message of a topic gets its only record. */
  #expire(ended: Ended, now: number): void {
    const key: Key = { channel: ended.channel_id, topic: ended.topic_id, id: ended.message_id };
    if (isChannel(ended.channel_id) && this.#deliveries.find(key)?.state !== 'retry') return;
    this.#deliveries.end(key, ended.attempt, ended.nonce, 'expired', ended.accepted_at, now);
  }

  #change(topic: string, id: string, change: (key: Key) => boolean): Promise<ChangeResult> {
    return this.#store.write(UNAVAILABLE, () => {
      const number = this.#topics.find(topic);
      if (number === undefined) return 'absent';
      const key: Key = { channel: TOPIC_ITSELF, topic: number, id };
      if (change(key)) return 'changed';
      return this.#rows.isClaimed(key) ? 'claimed' : 'absent';
    });
  }
}

function isChannel(id: ChannelId | 0): id is ChannelId {
  return id !== TOPIC_ITSELF;
}

/** A claim names its row, and the claim that it must still be under. */
function readClaim(claim: string): [row: number, claim: number] {
  const colon = claim.indexOf(':');
  return [Number(claim.slice(0, colon)), Number(claim.slice(colon + 1))];
}
