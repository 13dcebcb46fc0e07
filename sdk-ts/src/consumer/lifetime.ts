import { Gate } from '../gate.js';
import type { Message } from '../message.js';
import { tell } from '../tell.js';
import type { SubscribeOptions } from './subscribe-options.js';

/**
 * What its caller sees of a subscription, whatever it runs on: `ready`, `closed`, and what `onError` is told.
 *
 *   new ─ opened ─▶ open ─ ended ─▶ closed
 *    ├ ended ─▶ closed: it is not ready any more
 *    └ refused ─▶ closed, by the error
 */
export class Lifetime {
  readonly #ready = new Gate();
  readonly #closed = new Gate();
  readonly #onError: SubscribeOptions['onError'];

  /** `stop` is called when the signal of the options is aborted before the end. */
  constructor({ signal, onError }: SubscribeOptions, stop: () => void) {
    this.#onError = onError;
    signal?.addEventListener('abort', stop, { once: true });
    this.#closed.whenSettled(() => signal?.removeEventListener('abort', stop));
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  opened(): void {
    this.#ready.open();
  }

  ended(why: Error): void {
    this.#ready.fail(why);
    this.#closed.open();
  }

  /** Nobody may wait for `ready` or `closed`, nor listen: a subscription that is none is not passed over in silence. */
  refused(error: Error): void {
    this.#ready.fail(error);
    this.#closed.fail(error);
    this.report(error);
    if (this.#onError === undefined) process.emitWarning(error);
  }

  report(error: unknown, message?: Message): void {
    const onError = this.#onError;
    if (onError !== undefined) tell(() => onError(error, message));
  }
}
