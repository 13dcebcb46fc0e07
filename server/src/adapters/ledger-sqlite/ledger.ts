import type { Channel } from '../../model/channel.js';
import type { RetryPolicy } from '../../model/retry-policy.js';
import type { Aliased, Claim, Entry, HandOut, Ledger, Outcome, RecordState } from '../../ports/ledger.js';
import { type DeliveryRecord, inTime, isFinal, judge } from '../../ports/record.js';
import type { Store } from '../sqlite/store.js';
import { type Aliases, aliasesOf } from './aliases.js';
import { Channels } from './channels.js';
import { Commits } from './commits.js';
import { type Deliveries, deliveriesOf } from './deliveries.js';
import { type Held, heldOf } from './held.js';
import type { Key } from './key.js';
import { type Terms, termsOf } from './terms.js';
import { Topics } from './topics.js';

/** The ledger in the data file. `channel` rejects while the store is at fault; `take` and `write` wait. */
export class SqliteLedger implements Ledger {
  readonly name = 'sqlite';
  readonly #store: Store;
  readonly #commits: Commits;
  readonly #topics: Topics;
  readonly #channels: Channels;
  readonly #deliveries: Deliveries;
  readonly #held: Held;
  readonly #aliases: Aliases;
  readonly #terms: Terms;
  readonly #node: string | undefined;
  readonly #nodes: Topics;

  /** `node` is this gateway, in the records of what it hands out; without, they name none. */
  constructor(store: Store, { node }: { readonly node?: string } = {}) {
    this.#store = store;
    this.#node = node;
    this.#nodes = new Topics(store, 'nodes');
    this.#terms = termsOf(store);
    this.#commits = new Commits(store);
    this.#topics = new Topics(store);
    this.#channels = new Channels(store);
    this.#deliveries = deliveriesOf(store);
    this.#held = heldOf(store);
    this.#aliases = aliasesOf(store);
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#commits.stop();
  }

  health(): string | undefined {
    return this.#store.health();
  }

  channel(topic: string, name: string, retry?: RetryPolicy): Promise<Channel> {
    return this.#channels.get(topic, name, retry);
  }

  async channels(fresh = false): Promise<readonly Channel[]> {
    return this.#channels.all(fresh);
  }

  take(claims: readonly Claim[]): Promise<number[]> {
    return this.#commits.write(() => claims.map((claim) => this.#take(claim)));
  }

  write(entries: readonly Entry[]): Promise<Outcome[]> {
    return this.#commits.write(() => entries.map((entry) => this.#write(entry)));
  }

  async find(alias: string): Promise<Aliased | undefined> {
    return this.#store.read('LEDGER_UNAVAILABLE', () => this.#aliases.find(alias));
  }

  #take(claim: Claim): number {
    const key = this.#key(claim);
    const record = this.#deliveries.find(key);
    if (record !== undefined && (isFinal(record.state) || record.state === 'leased')) return 0;
    if (record?.state === 'retry') {
      // The copy that the schedule brings when it is due is the one to hand out.
      if (this.#held.state(key) === 'retry') return 0;
      // It is here: should its publisher have crashed before it could settle the claim, no second copy follows.
      this.#held.forget(key);
    }
    const attempt = attemptAfter(record, claim);
    this.#record(key, record, claim, attempt, 'delivered', 0, '');
    return attempt;
  }

  #write(entry: Entry): Outcome {
    const key = this.#key(entry);
    const record = this.#deliveries.find(key);
    const verdict = judge(record, entry);
    if (verdict !== 'apply') return verdict === 'repeat' ? 'ok' : 'stale';
    if (record?.state === 'leased' && !inTime(entry, this.#held.dueAt(key))) return 'stale';
    if (!this.#hold(key, record, entry)) return 'stale';
    const { change, attempt, at } = entry;
    const settledAt = change.state === 'delivered' || change.state === 'leased' ? 0 : at;
    this.#record(key, record, entry, attempt, change.state, settledAt, 'reason' in change ? change.reason : '');
    switch (change.state) {
      case 'dead':
      case 'expired':
        this.#deliveries.append(key);
        break;
      case 'leased':
        if (change.alias !== undefined) this.#aliases.add(key, change.alias, attempt, entry.nonce, at);
        break;
      case 'retry':
      case 'returned':
        if (change.unused !== true) this.#deliveries.append(key);
    }
    return 'ok';
  }

  #record(
    key: Key,
    record: DeliveryRecord | undefined,
    out: HandOut,
    attempt: number,
    state: RecordState,
    settledAt: number,
    reason: string,
  ): void {
    const node = this.#node === undefined ? 0 : this.#nodes.number(this.#node);
    this.#deliveries.put(key, out, attempt, state, settledAt, reason, node);
    if (record === undefined && out.terms !== undefined) this.#terms.put(key, out.terms, out.acceptedAt);
  }

  /** Makes the schedule hold, or forget, what the entry needs. False when it would need a body that nobody has. */
  #hold(key: Key, record: DeliveryRecord | undefined, entry: Entry): boolean {
    const { change } = entry;
    switch (change.state) {
      case 'retry':
        return this.#held.hold(key, entry, 'retry', change.dueAt, change.expiresAt, change.reason, change.wire);
      case 'leased':
        return this.#held.hold(key, entry, 'leased', change.deadline, change.expiresAt, '', change.wire);
      case 'dead':
        return this.#held.hold(key, entry, 'dead', 0, 0, change.reason, change.wire);
      default:
        if (record?.state === 'leased' || record?.state === 'retry') this.#held.forget(key);
        return true;
    }
  }

  #key({ channel, topic, id }: HandOut): Key {
    return { channel, topic: this.#topics.number(topic), id };
  }
}

/** A claim that is repeated, as after a commit whose outcome was not known, gets the answer that it got. */
function attemptAfter(record: DeliveryRecord | undefined, claim: Claim): number {
  if (record === undefined) return 1;
  return record.nonce === claim.nonce ? record.attempt : record.attempt + 1;
}
