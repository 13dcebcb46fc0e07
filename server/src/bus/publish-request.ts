import { BusError } from '../model/errors.js';
import type { Message } from '../model/message.js';

export type PublishOutcome = 'accepted' | 'scheduled' | 'parked' | 'duplicate';

export interface PublishResult {
  readonly id: string;
  /** Undefined when it was not accepted: see `error`. */
  readonly outcome: PublishOutcome | undefined;
  readonly error: BusError | undefined;
}

/** Why a message may not be published to its topic, which `field` names; undefined: it may. */
export type PublishRefusal = (topic: string, field: string) => BusError | undefined;

/** One call with one or many messages, and what became of each. One promise for all of them. */
export class PublishRequest {
  readonly done: Promise<PublishResult[]>;
  /** Those that were checked and are to be brought to the broker or the schedule. */
  readonly messages: (Message | undefined)[];
  /** Ids that the publisher chose, by topic, each with the place where it stands first. */
  readonly ownIds = new Map<string, Map<string, number>>();
  readonly #results: (PublishResult | undefined)[];
  /** Places whose id stands earlier in the same call, and where. */
  readonly #twins: { readonly index: number; readonly of: number }[] = [];
  #left: number;
  #resolve: (results: PublishResult[]) => void = () => {};

  constructor(
    size: number,
    /** When the call must be answered, by the steady clock, in milliseconds. */
    readonly deadline: number,
  ) {
    this.messages = new Array(size);
    this.#results = new Array(size);
    this.#left = size;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    if (size === 0) this.#resolve([]);
  }

  get answered(): boolean {
    return this.#left === 0;
  }

  /** Takes a message in; one whose own id stands earlier in the call becomes whatever that one becomes. */
  add(index: number, message: Message, own: boolean): void {
    if (own && !this.#own(index, message)) return;
    this.messages[index] = message;
  }

  succeed(index: number, id: string, outcome: PublishOutcome): void {
    this.#set(index, { id, outcome, error: undefined });
  }

  fail(index: number, id: string, error: BusError): void {
    this.#set(index, { id, outcome: undefined, error });
  }

  /** Whether the message of this id came to acceptance, as far as is known. */
  accepted(topic: string, id: string): boolean {
    const index = this.ownIds.get(topic)?.get(id);
    const result = index === undefined ? undefined : this.#results[index];
    return result !== undefined && result.error === undefined;
  }

  /** Answers whatever is open: its outcome will not be known in time. */
  expire(why = 'not confirmed before the deadline'): void {
    const error = new BusError(
      'BROKER_UNAVAILABLE',
      `${why}; the message may have been kept: publish it again under the same id`,
    );
    this.messages.forEach((message, index) => {
      if (message !== undefined) this.fail(index, message.id, error);
    });
  }

  #own(index: number, { topic, id }: Message): boolean {
    let ids = this.ownIds.get(topic);
    if (ids === undefined) {
      ids = new Map();
      this.ownIds.set(topic, ids);
    }
    const of = ids.get(id);
    if (of === undefined) {
      ids.set(id, index);
      return true;
    }
    this.#twins.push({ index, of });
    this.#left--;
    return false;
  }

  #set(index: number, result: PublishResult): void {
    if (this.#results[index] !== undefined) return;
    this.#results[index] = result;
    if (--this.#left === 0) this.#answer();
  }

  #answer(): void {
    for (const { index, of } of this.#twins) {
      const first = this.#results[of];
      if (first !== undefined)
        this.#results[index] = first.error === undefined ? { ...first, outcome: 'duplicate' } : first;
    }
    this.#resolve(this.#results.filter((result) => result !== undefined));
  }
}
