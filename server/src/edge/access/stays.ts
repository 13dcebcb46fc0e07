import type { EventEmitter } from 'node:events';
import type { ServerUnaryCall, ServiceError, sendUnaryData } from '@grpc/grpc-js';
import type { Clock } from '../../ports/clock.js';
import type { Principal } from './principal.js';

/** How soon after its credential a call ends. */
const SWEEP_MS = 1_000;

/** Calls that go on for long, and how each is ended once its caller is not good any more. */
export class Stays {
  readonly #ends = new Map<object, { readonly principal: Principal; readonly end: () => void }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly clock: Clock) {}

  start(): void {
    this.#timer ??= setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  sweep(): void {
    const now = this.clock.now();
    for (const [call, { principal, end }] of this.#ends) {
      if (principal.isGood(now)) continue;
      this.#ends.delete(call);
      end();
    }
  }

  stream(principal: Principal, call: EventEmitter, fault: () => ServiceError): void {
    const leave = () => this.#ends.delete(call);
    for (const event of ['close', 'cancelled', 'error']) call.once(event, leave);
    // grpc-js sends the status of an emitted error; destroy() would drop it.
    this.#ends.set(call, { principal, end: () => call.emit('error', fault()) });
  }

  /** What the call answers from now on; its handler is told as if the client had gone. */
  unary(
    principal: Principal,
    call: ServerUnaryCall<unknown, unknown>,
    callback: sendUnaryData<unknown>,
    fault: () => ServiceError,
  ): sendUnaryData<unknown> {
    let answered = false;
    const answer: sendUnaryData<unknown> = (...answers) => {
      this.#ends.delete(call);
      if (answered) return;
      answered = true;
      callback(...answers);
    };
    const end = () => {
      answer(fault());
      call.emit('cancelled', 'cancelled');
    };
    this.#ends.set(call, { principal, end });
    return answer;
  }
}
