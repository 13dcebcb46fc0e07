import { Fifo } from '../fifo.js';
import type { LocalMessage } from './local-message.js';
import type { StoredMessage } from './stored-message.js';

/** A message that a channel does not try any more. */
export interface DeadLetter {
  readonly id: string;
  readonly topic: string;
  readonly channel: string;
  /** What the channel subscribes to: the topic, or a pattern. */
  readonly subscribed: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** What was published. */
  readonly payload: unknown;
  /** How often it was handed out. */
  readonly attempts: number;
  /** What the last attempt said: the handler's error, or the reason that it gave. */
  readonly reason: string;
  /** What the handler threw, where it did. */
  readonly error: unknown;
  readonly diedAt: Date;
}

/** Which dead letters: those that fit all that is given. */
export interface DeadLetterFilter {
  topic?: string;
  channel?: string;
  id?: string;
}

interface Grave {
  readonly topic: string;
  readonly name: string;
  redrive(message: StoredMessage): void;
}

class Buried implements DeadLetter {
  readonly diedAt: Date;

  constructor(
    readonly home: Grave,
    readonly message: LocalMessage,
    readonly reason: string,
    now: number,
  ) {
    this.diedAt = new Date(now);
  }

  get id(): string {
    return this.message.id;
  }

  get topic(): string {
    return this.message.topic;
  }

  get channel(): string {
    return this.home.name;
  }

  get subscribed(): string {
    return this.home.topic;
  }

  get key(): string {
    return this.message.key;
  }

  get headers(): Readonly<Record<string, string>> {
    return this.message.headers;
  }

  get body(): Uint8Array {
    return this.message.body;
  }

  get payload(): unknown {
    return this.message.payload;
  }

  get attempts(): number {
    return this.message.attempt;
  }

  get error(): unknown {
    return this.message.cause;
  }
}

/** The newest of them: memory is bounded. */
export class DeadLetters {
  #letters = new Fifo<Buried>();

  constructor(readonly most: number) {}

  add(home: Grave, message: LocalMessage, reason: string, now: number): void {
    this.#letters.push(new Buried(home, message, reason, now));
    if (this.#letters.length > this.most) this.#letters.shift();
  }

  /** Oldest first. */
  list(filter: DeadLetterFilter): DeadLetter[] {
    return [...this.#letters].filter((letter) => fits(letter, filter));
  }

  /** Puts them back into their channels, as if they had just been published; answers how many. */
  redrive(filter: DeadLetterFilter): number {
    const all = this.#letters.drain();
    const chosen = all.filter((letter) => fits(letter, filter));
    for (const letter of all) if (!fits(letter, filter)) this.#letters.push(letter);
    for (const { home, message } of chosen) home.redrive(message.stored);
    return chosen.length;
  }
}

function fits(letter: DeadLetter, { topic, channel, id }: DeadLetterFilter): boolean {
  return (
    (topic === undefined || letter.topic === topic) &&
    (channel === undefined || letter.channel === channel) &&
    (id === undefined || letter.id === id)
  );
}
