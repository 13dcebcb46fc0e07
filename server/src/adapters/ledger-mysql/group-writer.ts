import { BusError } from '../../model/errors.js';
import { type Meters, silentMeters } from '../../ports/telemetry.js';

export interface GroupOptions<I, O> {
  /** Items to a group. */
  readonly maxItems: number;
  /** A group is full when its items' sizes reach this, in bytes. */
  readonly maxBytes: number;
  /** Groups under way at once. Two keep the server busy while the next is put together; more make groups smaller. */
  readonly maxFlights: number;
  sizeOf(item: I): number;
  /** Items of one key happen in the order in which they were given: never two in one group, or in two groups under way. */
  keyOf(item: I): string;
  /** Commits all items or none; an outcome each. */
  commit(items: readonly I[]): Promise<readonly O[]>;
  /** Where its commits are counted. */
  readonly meters?: Pick<Meters, 'commit' | 'commitEntries'>;
}

interface Call<I, O> {
  readonly items: readonly I[];
  readonly outcomes: O[];
  /** The first item that no group has taken yet. */
  next: number;
  /** Items without an outcome. */
  left: number;
  readonly resolve: (outcomes: O[]) => void;
  readonly reject: (error: unknown) => void;
}

/** The group's items, each with its call and its place there. */
interface Group<I, O> {
  readonly items: I[];
  readonly keys: string[];
  readonly calls: Call<I, O>[];
  readonly places: number[];
  bytes: number;
}

/**
 * Gathers calls into few commits. What is given in one turn of the event loop, or while groups are under way, shares the
 * next group: no timer waits, so a lone item goes at once, and groups grow by themselves when the server is slow.
 */
export class GroupWriter<I, O> {
  readonly #options: GroupOptions<I, O>;
  #calls: Call<I, O>[] = [];
  /** Items whose key was busy when their turn came. */
  #postponed: { readonly call: Call<I, O>; readonly place: number }[] = [];
  readonly #busy = new Set<string>();
  #flights = 0;
  #armed = false;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(options: GroupOptions<I, O>) {
    this.#options = options;
  }

  /** An outcome for each item. One item that cannot be committed fails the call that it came by, and no other. */
  write(items: readonly I[]): Promise<O[]> {
    if (this.#closed) return Promise.reject(new BusError('LEDGER_UNAVAILABLE', 'the ledger was stopped'));
    if (items.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      this.#calls.push({ items, outcomes: new Array(items.length), next: 0, left: items.length, resolve, reject });
      this.#arm();
    });
  }

  /** Takes no more calls; resolves when those that it has are answered. */
  close(): Promise<void> {
    this.#closed = true;
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.#tellIdle();
    });
  }

  #arm(): void {
    if (this.#armed || this.#flights >= this.#options.maxFlights) return;
    this.#armed = true;
    // After the events of this turn, so that what they bring still joins.
    setImmediate(this.#launch);
  }

  readonly #launch = (): void => {
    this.#armed = false;
    const group = this.#gather();
    if (group.items.length === 0) {
      this.#tellIdle();
      return;
    }
    this.#flights++;
    void this.#fly(group);
    if (this.#calls.length > 0 || this.#postponed.length > 0) this.#arm();
  };

  #gather(): Group<I, O> {
    const group: Group<I, O> = { items: [], keys: [], calls: [], places: [], bytes: 0 };
    if (this.#postponed.length > 0) {
      const again = this.#postponed;
      this.#postponed = [];
      for (const { call, place } of again) this.#add(group, call, place);
    }
    let done = 0;
    for (const call of this.#calls) {
      while (call.next < call.items.length && !this.#full(group)) this.#add(group, call, call.next++);
      if (call.next < call.items.length) break;
      done++;
    }
    if (done > 0) this.#calls.splice(0, done);
    return group;
  }

  #add(group: Group<I, O>, call: Call<I, O>, place: number): void {
    // A call that failed was answered; what is left of it is dropped.
    if (call.left === 0) return;
    const item = call.items[place] as I;
    const key = this.#options.keyOf(item);
    if (this.#full(group) || this.#busy.has(key)) {
      this.#postponed.push({ call, place });
      return;
    }
    this.#busy.add(key);
    group.items.push(item);
    group.keys.push(key);
    group.calls.push(call);
    group.places.push(place);
    group.bytes += this.#options.sizeOf(item);
  }

  #full(group: Group<I, O>): boolean {
    return group.items.length >= this.#options.maxItems || group.bytes >= this.#options.maxBytes;
  }

  async #fly(group: Group<I, O>): Promise<void> {
    const { meters = silentMeters } = this.#options;
    const began = performance.now();
    try {
      const outcomes = await this.#options.commit(group.items);
      meters.commit.observe((performance.now() - began) / 1000);
      meters.commitEntries.observe(group.items.length);
      this.#answer(group, outcomes);
    } catch (error) {
      await this.#separate(group, error);
    }
    for (const key of group.keys) this.#busy.delete(key);
    this.#flights--;
    this.#arm();
  }

  #answer({ calls, places }: Group<I, O>, outcomes: readonly O[]): void {
    for (let i = 0; i < calls.length; i++) {
      const call = calls[i] as Call<I, O>;
      call.outcomes[places[i] as number] = outcomes[i] as O;
      if (call.left > 0 && --call.left === 0) call.resolve(call.outcomes);
    }
  }

  /** A group that cannot be committed holds at least one item that is wrong: each call stands alone for its own. */
  async #separate(group: Group<I, O>, error: unknown): Promise<void> {
    const parts = new Map<Call<I, O>, Group<I, O>>();
    for (let i = 0; i < group.items.length; i++) {
      const call = group.calls[i] as Call<I, O>;
      const part = parts.get(call) ?? { items: [], keys: [], calls: [], places: [], bytes: 0 };
      parts.set(call, part);
      part.items.push(group.items[i] as I);
      part.calls.push(call);
      part.places.push(group.places[i] as number);
    }
    const alone = parts.size === 1 || (error instanceof BusError && error.retryable);
    for (const [call, part] of parts) {
      try {
        if (alone) throw error;
        this.#answer(part, await this.#options.commit(part.items));
      } catch (own) {
        call.left = 0;
        call.reject(own);
      }
    }
  }

  #tellIdle(): void {
    if (this.#flights > 0 || this.#armed || this.#calls.length > 0 || this.#postponed.length > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
