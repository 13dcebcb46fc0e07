import type { RowDataPacket } from 'mysql2/promise';
import type { Channel, ChannelId } from '../../model/channel.js';
import { decodeRetryPolicy, encodeRetryPolicy, type RetryPolicy } from '../../model/retry-policy.js';
import type { Clock } from '../../ports/clock.js';
import type { MysqlConnection } from './connection.js';
import type { Session } from './session.js';
import { asciiLiteral, textLiteral } from './statements/literals.js';

/** The list is read anew when it is older, in milliseconds. */
const LIST_MAX_AGE_MS = 2_000;

/** The channels: each is read or made once, and then known. */
export class Channels {
  readonly #known = new Map<string, Channel>();
  readonly #opening = new Map<string, Promise<Channel>>();
  #list: { readonly channels: readonly Channel[]; readonly readAt: number } | undefined;
  #listing: Promise<readonly Channel[]> | undefined;
  /** Counts what was changed from here, so that a list that was read before does not stay. */
  #changes = 0;

  constructor(
    private readonly connection: MysqlConnection,
    private readonly clock: Clock,
  ) {}

  async open(topic: string, name: string, retry: RetryPolicy | undefined): Promise<Channel> {
    const key = `${topic}/${name}`;
    const known = this.#known.get(key);
    if (known !== undefined && (retry === undefined || same(known.retry, retry))) return known;
    // One after the other, so that the policy that was given last stays.
    const before = this.#opening.get(key);
    const opening = (before?.catch(() => undefined) ?? Promise.resolve()).then(() => this.#open(topic, name, retry));
    this.#opening.set(key, opening);
    try {
      const channel = await opening;
      this.#known.set(key, channel);
      this.#enlist(channel);
      return channel;
    } finally {
      if (this.#opening.get(key) === opening) this.#opening.delete(key);
    }
  }

  /** Another gateway made it since the list was read: while MySQL is away, it would look deleted for want of a place there. */
  #enlist(channel: Channel): void {
    const list = this.#list;
    if (list === undefined || list.channels.some(({ id }) => id === channel.id)) return;
    this.#list = { ...list, channels: [...list.channels, channel] };
  }

  /** While MySQL is away, the list that was read last: a channel never gets another id. */
  async list(anew: boolean): Promise<readonly Channel[]> {
    const list = this.#list;
    if (list !== undefined) {
      const fresh = !anew && Math.abs(this.clock.now() - list.readAt) < LIST_MAX_AGE_MS;
      if (fresh || this.connection.health() !== undefined) return list.channels;
    }
    // What is being read began before this call, and need not have what was committed before it.
    if (anew) await this.#listing?.catch(() => undefined);
    this.#listing ??= this.#read().finally(() => {
      this.#listing = undefined;
    });
    return this.#listing;
  }

  async #read(): Promise<readonly Channel[]> {
    const readAt = this.clock.now();
    const changes = this.#changes;
    const rows = await this.connection.once((session) =>
      session.rows<ChannelRow>(`${SELECT} HAVING deleted = 0 ORDER BY c.id`),
    );
    const channels = rows.map(channelOf);
    if (changes === this.#changes) {
      this.#list = { channels, readAt };
      // One that an operator deleted is known no more.
      this.#known.clear();
    }
    for (const channel of channels) this.#known.set(`${channel.topic}/${channel.name}`, channel);
    return channels;
  }

  #open(topic: string, name: string, retry: RetryPolicy | undefined): Promise<Channel> {
    return this.connection.once(async (session) => {
      const stored = await find(session, topic, name);
      if (stored?.deleted === 1) await this.#revive(session, stored);
      const found = stored === undefined || stored.deleted === 1 ? undefined : channelOf(stored);
      if (found === undefined) {
        const values = [asciiLiteral(topic), asciiLiteral(name), policyLiteral(retry), this.clock.now()];
        await session.run(`INSERT IGNORE INTO channels (topic, name, retry, created_at) VALUES (${values.join(',')})`);
        this.#changed();
      }
      const made = found === undefined ? await find(session, topic, name) : undefined;
      const channel = found ?? (made === undefined ? undefined : channelOf(made));
      if (channel === undefined) throw new Error(`the channel ${topic}/${name} was removed while it was made`);
      if (retry === undefined || same(channel.retry, retry)) return channel;
      await session.run(`UPDATE channels SET retry = ${policyLiteral(retry)} WHERE id = ${channel.id}`);
      this.#changed();
      return { ...channel, retry };
    });
  }

  /** Made again after it was deleted, it begins as a new one. */
  async #revive(session: Session, { id }: ChannelRow): Promise<void> {
    await session.run(`UPDATE channels SET retry = NULL, created_at = ${this.clock.now()} WHERE id = ${id}`);
    await session.run(`DELETE FROM channel_states WHERE channel_id = ${id} AND deleted = 1`);
    this.#changed();
  }

  #changed(): void {
    this.#changes++;
    this.#list = undefined;
  }
}

const SELECT = `SELECT c.id, c.topic, c.name, c.retry, c.created_at, s.paused <=> 1 AS paused, s.deleted <=> 1 AS deleted
  FROM channels c LEFT JOIN channel_states s ON s.channel_id = c.id`;

interface ChannelRow extends RowDataPacket {
  readonly id: ChannelId;
  readonly topic: string;
  readonly name: string;
  readonly retry: string | null;
  readonly created_at: number;
  readonly paused: number;
  readonly deleted: number;
}

async function find(session: Session, topic: string, name: string): Promise<ChannelRow | undefined> {
  const rows = await session.rows<ChannelRow>(
    `${SELECT} WHERE c.topic = ${asciiLiteral(topic)} AND c.name = ${asciiLiteral(name)}`,
  );
  return rows[0];
}

function channelOf({ id, topic, name, retry, created_at, paused }: ChannelRow): Channel {
  const policy = retry === null ? undefined : decodeRetryPolicy(retry);
  return { id, topic, name, retry: policy, createdAt: created_at, paused: paused === 1 };
}

function policyLiteral(retry: RetryPolicy | undefined): string {
  return retry === undefined ? 'NULL' : textLiteral(encodeRetryPolicy(retry), 1_000);
}

function same(a: RetryPolicy | undefined, b: RetryPolicy): boolean {
  return a !== undefined && encodeRetryPolicy(a) === encodeRetryPolicy(b);
}
