import type { CallStatus } from '../direct/status.js';
import type { StreamListener } from '../direct/stream-call.js';

/** The responses of a stream, taken one by one: the next is written once this one was asked past. */
export class Responses implements StreamListener {
  #response: Buffer | undefined;
  #taken: () => void = () => {};
  #status: CallStatus | undefined;
  #wake: () => void = () => {};

  message(response: Buffer, taken: () => void): void {
    this.#response = response;
    this.#taken = taken;
    this.#wake();
  }

  ended(status: CallStatus): void {
    this.#status = status;
    this.#wake();
  }

  /** The next response, or how the stream ended. */
  async next(): Promise<Buffer | CallStatus> {
    const taken = this.#taken;
    this.#taken = () => {};
    taken();
    for (;;) {
      const response = this.#response;
      this.#response = undefined;
      if (response !== undefined) return response;
      if (this.#status !== undefined) return this.#status;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
