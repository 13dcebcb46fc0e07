import { ClosedError, OverloadedError } from '../errors.js';
import type { Agenda, Appointment } from './agenda.js';
import type { StoredMessage } from './stored-message.js';

/** A channel that had no room. */
export interface FullChannel {
  readonly topic: string;
  readonly name: string;
  unblock(publish: WaitingPublish): void;
}

/** A publish that waits until every channel that was full has taken the message, its deadline has passed or its signal aborts. The other channels have it. */
export class WaitingPublish implements Appointment {
  dueAt = 0;
  place = -1;
  order = 0;
  readonly done: Promise<void>;
  readonly #agenda: Agenda;
  readonly #channels: Set<FullChannel>;
  readonly #signal: AbortSignal | undefined;
  #resolve: () => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(
    readonly message: StoredMessage,
    channels: readonly FullChannel[],
    agenda: Agenda,
    deadline: number,
    signal: AbortSignal | undefined,
  ) {
    this.#agenda = agenda;
    this.#channels = new Set(channels);
    this.#signal = signal;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    agenda.add(this, deadline);
    signal?.addEventListener('abort', this.#aborted);
  }

  /** Those that have not taken it. */
  get missing(): readonly FullChannel[] {
    return [...this.#channels];
  }

  passed(channel: FullChannel): void {
    this.#channels.delete(channel);
    if (this.#channels.size > 0) return;
    this.#end();
    this.#resolve();
  }

  due(): void {
    const [first] = this.#channels;
    const error = new OverloadedError(
      `the channel "${first?.name}" of "${first?.topic}" had no room for the message before the deadline`,
      { code: 'RESOURCE_EXHAUSTED', reason: 'OVERLOADED', messageId: this.message.id },
    );
    this.#fail(error);
  }

  close(): void {
    this.#fail(new ClosedError('the bus was closed before every channel had room for the message', this.message.id));
  }

  readonly #aborted = (): void => this.#fail(this.#signal?.reason);

  #fail(error: unknown): void {
    this.#end();
    for (const channel of this.#channels) channel.unblock(this);
    this.#reject(error);
  }

  #end(): void {
    this.#agenda.remove(this);
    this.#signal?.removeEventListener('abort', this.#aborted);
  }
}
