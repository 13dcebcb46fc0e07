import { setTimeout as delay } from 'node:timers/promises';
import type { Channel } from '../../model/channel.js';
import type { RetryPolicy } from '../../model/retry-policy.js';
import { type Clock, systemClock } from '../../ports/clock.js';
import type { Aliased, Claim, Entry, HandOut, Ledger, Outcome } from '../../ports/ledger.js';
import { judge } from '../../ports/record.js';
import { type Meters, silentMeters } from '../../ports/telemetry.js';
import { Channels } from './channels.js';
import type { MysqlConnection } from './connection.js';
import { GroupWriter } from './group-writer.js';
import { inTransaction, type Session } from './session.js';
import { findAliases } from './statements/aliases.js';
import { type PlacedEntry, readRecords, writeFresher } from './statements/deliveries.js';
import { byKey, keyed } from './statements/keys.js';
import { type Indexed, writeTerms } from './statements/terms.js';
import { type PlacedClaim, takeClaims } from './take.js';
import { Topics } from './topics.js';
import { indexed, recording, writeTransitions } from './transitions.js';

/** Fresh acks measured 140,000/s so, on two cores shared with MariaDB and fsynced; a group is about 10 ms. Larger ones only make the last of a group wait longer. */
const GROUP_ITEMS = 1_000;
const GROUP_BYTES = 4_000_000;
/** From 1,000 on, MariaDB turns a list of values into a join. */
const GROUP_FINDS = 500;
const GROUPS_AT_ONCE = 2;
/** What is under way when the ledger is stopped may still finish. */
const STOP_TIMEOUT_MS = 5_000;

export interface MysqlLedgerOptions {
  readonly clock?: Clock;
  readonly meters?: Meters;
  /** This gateway, in the records of what it hands out; without, they name none. */
  readonly node?: string;
}

/** The ledger in MySQL or MariaDB. It starts and stops the connection, which the schedule shares. */
export class MysqlLedger implements Ledger {
  readonly name = 'mysql';
  readonly #connection: MysqlConnection;
  readonly #channels: Channels;
  readonly #topics = new Topics();
  readonly #nodes = new Topics('nodes');
  readonly #node: string | undefined;
  readonly #writes: GroupWriter<Entry, Outcome>;
  readonly #takes: GroupWriter<Claim, number>;
  readonly #finds: GroupWriter<string, Aliased | undefined>;

  constructor(
    connection: MysqlConnection,
    { clock = systemClock, meters = silentMeters, node }: MysqlLedgerOptions = {},
  ) {
    this.#connection = connection;
    this.#node = node;
    this.#channels = new Channels(connection, clock);
    const groups = { maxItems: GROUP_ITEMS, maxBytes: GROUP_BYTES, maxFlights: GROUPS_AT_ONCE, keyOf };
    this.#writes = new GroupWriter<Entry, Outcome>({
      ...groups,
      sizeOf,
      commit: (entries) => this.#commit(entries),
      meters,
    });
    this.#takes = new GroupWriter<Claim, number>({
      ...groups,
      sizeOf: () => 0,
      commit: (claims) => this.#claim(claims),
    });
    this.#finds = new GroupWriter<string, Aliased | undefined>({
      ...groups,
      maxItems: GROUP_FINDS,
      keyOf: (alias) => alias,
      sizeOf: () => 0,
      commit: (aliases) => this.#find(aliases),
    });
  }

  start(): Promise<void> {
    return this.#connection.start();
  }

  async stop(): Promise<void> {
    const answered = Promise.all([this.#writes.close(), this.#takes.close(), this.#finds.close()]);
    if (this.health() === undefined) await Promise.race([answered, delay(STOP_TIMEOUT_MS, undefined, { ref: false })]);
    // Whatever waits from here on is rejected.
    await this.#connection.stop();
    await answered;
  }

  health(): string | undefined {
    return this.#connection.health();
  }

  channel(topic: string, name: string, retry?: RetryPolicy): Promise<Channel> {
    return this.#channels.open(topic, name, retry);
  }

  channels(fresh = false): Promise<readonly Channel[]> {
    return this.#channels.list(fresh);
  }

  take(claims: readonly Claim[]): Promise<number[]> {
    return this.#takes.write(claims);
  }

  write(entries: readonly Entry[]): Promise<Outcome[]> {
    return this.#writes.write(entries);
  }

  async find(alias: string): Promise<Aliased | undefined> {
    const [found] = await this.#finds.write([alias]);
    return found;
  }

  async #find(aliases: readonly string[]): Promise<(Aliased | undefined)[]> {
    const found = await this.#connection.always((session) => findAliases(session, aliases));
    return aliases.map((alias) => found.get(alias));
  }

  async #claim(claims: readonly Claim[]): Promise<number[]> {
    const numbers = await this.#numbers(claims);
    const placed = claims
      .map((claim, at) => ({ ...keyed(claim.channel, numbers[at] ?? 0, claim.id), claim, at }))
      .sort(byKey);
    const node = await this.#nodeNumber();
    const attempts = await this.#connection.always(recording((session) => takeClaims(session, placed, node)));
    return inOrder(placed, attempts);
  }

  /**
   * Most groups are acks of messages that were handed out here and that no table knows: one statement, committed by itself.
   * Entries that may touch the schedule go by a transaction beside it.
   */
  async #commit(entries: readonly Entry[]): Promise<Outcome[]> {
    const numbers = await this.#numbers(entries);
    const fresh: PlacedEntry[] = [];
    const others: PlacedEntry[] = [];
    for (let at = 0; at < entries.length; at++) {
      const entry = entries[at] as Entry;
      const { channel, topicId, id, sql } = keyed(entry.channel, numbers[at] as number, entry.id);
      // The key's fields are written out: spread into a literal, an entry took several times the memory of its message.
      const placed = { channel, topicId, id, sql, entry, at };
      if (isPlain(entry)) fresh.push(placed);
      else others.push(placed);
    }
    const outcomes: Outcome[] = new Array(entries.length).fill('ok');
    await Promise.all([this.#commitFresh(fresh, outcomes), this.#commitOthers(others, outcomes)]);
    return outcomes;
  }

  async #commitFresh(rows: PlacedEntry[], outcomes: Outcome[]): Promise<void> {
    if (rows.length === 0) return;
    rows.sort(byKey);
    const node = await this.#nodeNumber();
    const write = async (session: Session) =>
      (await writeFresher(session, rows, node)) ? undefined : readRecords(session, rows);
    // Without search terms, as nearly always, it is the one statement; with some, a transaction around it and theirs.
    const found = rows.filter(({ entry }) => entry.terms !== undefined).map(indexed);
    const records = await this.#connection.always(found.length === 0 ? write : withTerms(write, found));
    if (records === undefined) return;
    const held: PlacedEntry[] = [];
    for (const row of rows) {
      const verdict = judge(records.get(row.sql), row.entry);
      if (verdict === 'apply') held.push(row);
      else if (verdict === 'stale') outcomes[row.at] = 'stale';
    }
    await this.#commitOthers(held, outcomes);
  }

  async #commitOthers(rows: PlacedEntry[], outcomes: Outcome[]): Promise<void> {
    if (rows.length === 0) return;
    rows.sort(byKey);
    const node = await this.#nodeNumber();
    const written = await this.#connection.always(recording((session) => writeTransitions(session, rows, node)));
    for (let i = 0; i < rows.length; i++) outcomes[(rows[i] as PlacedEntry).at] = written[i] as Outcome;
  }

  async #nodeNumber(): Promise<number> {
    if (this.#node === undefined) return 0;
    const [number] = await this.#nodes.numbers([this.#node], (work) => this.#connection.always(work));
    return number ?? 0;
  }

  #numbers(items: readonly HandOut[]): Promise<number[]> {
    return this.#topics.numbers(
      items.map(({ topic }) => topic),
      (work) => this.#connection.always(work),
    );
  }
}

/** Records before terms, as everywhere: so no two transactions wait for each other. */
function withTerms<T>(write: (session: Session) => Promise<T>, rows: readonly Indexed[]) {
  return inTransaction(async (session) => {
    const result = await write(session);
    await writeTerms(session, rows);
    return result;
  });
}

/** Nothing in the schedule can be of it, as far as the entry tells; where its record says otherwise, it is not written so. */
function isPlain({ change, acceptedAt, recorded }: Entry): boolean {
  return (change.state === 'acked' || change.state === 'delivered') && acceptedAt !== 0 && !recorded;
}

/** Without the topic: the same id on two topics of one channel is rare, and only makes one wait for the other. */
function keyOf({ channel, id }: HandOut): string {
  return `${id}/${channel}`;
}

function sizeOf({ change }: Entry): number {
  return 'wire' in change ? (change.wire?.length ?? 0) : 0;
}

function inOrder(placed: readonly (PlacedClaim & { readonly at: number })[], attempts: readonly number[]): number[] {
  const ordered: number[] = new Array(placed.length);
  for (let i = 0; i < placed.length; i++) ordered[(placed[i] as { at: number }).at] = attempts[i] as number;
  return ordered;
}
