import { BusError } from '../model/errors.js';
import type { Message } from '../model/message.js';

export type PublishOutcome = 'accepted' | 'scheduled' | 'parked' | 'duplicate';

export interface PublishResult {
  readonly id: string;
  /** Undefined when it was not accepted: see `error`. */
  readonly outcome: PublishOutcome | undefined;
  readonly error: BusError | undefined;
}

/** One call with one or many messages, and what became of each. One promise for all of them. */
export class PublishRequest {
  readonly results: (PublishResult | undefined)[];
  readonly done: Promise<PublishResult[]>;
  /** Ids that the publisher chose, by topic. */
  readonly ownIds = new Map<string, Set<string>>();
  #left: number;
  #resolve: (results: PublishResult[]) => void = () => {};

  constructor(
    size: number,
    /** When the call must be answered, Unix milliseconds. */
    readonly deadline: number,
  ) {
    this.results = new Array(size);
    this.#left = size;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get answered(): boolean {
    return this.#left === 0;
  }

  succeed(index: number, id: string, outcome: PublishOutcome): void {
    this.#set(index, { id, outcome, error: undefined });
  }

  fail(index: number, id: string, error: BusError): void {
    this.#set(index, { id, outcome: undefined, error });
  }

  /** Answers whatever is open: its outcome will not be known in time. */
  expire(messages: readonly (Message | undefined)[]): void {
    const error = new BusError(
      'BROKER_UNAVAILABLE',
      'not confirmed before the deadline; the message may have been kept: publish it again under the same id',
    );
    for (let i = 0; i < this.results.length; i++) {
      if (this.results[i] === undefined) this.fail(i, messages[i]?.id ?? '', error);
    }
  }

  #set(index: number, result: PublishResult): void {
    if (this.results[index] !== undefined) return;
    this.results[index] = result;
    if (--this.#left === 0) this.#resolve(this.results as PublishResult[]);
  }
}
