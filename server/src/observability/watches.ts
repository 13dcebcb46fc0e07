import type { Frame, Message } from '../model/message.js';
import type { Accepted, Delivered, End, Watch, WatchedCall } from '../ports/telemetry.js';

/** Several that follow the same messages. */
export class Watches implements Watch {
  constructor(private readonly all: readonly Watch[]) {}

  /** The context is that of the first that has one. */
  call(name: string, traceparent: string, tracestate: string): WatchedCall | undefined {
    for (const each of this.all) {
      const call = each.call(name, traceparent, tracestate);
      if (call !== undefined) return call;
    }
    return undefined;
  }

  accepting(messages: readonly (Message | undefined)[]): End<readonly Accepted[]> | undefined {
    return together(this.all.map((each) => each.accepting(messages)));
  }

  sending(frame: Frame): End<unknown> | undefined {
    return together(this.all.map((each) => each.sending(frame)));
  }

  delivered(deliveries: readonly Delivered[]): void {
    for (const each of this.all) each.delivered(deliveries);
  }

  settling(
    kind: string,
    deliveries: readonly Pick<Delivered, 'nonce'>[],
  ): End<readonly string[] | undefined> | undefined {
    return together(this.all.map((each) => each.settling(kind, deliveries)));
  }
}

function together<T>(ends: readonly (End<T> | undefined)[]): End<T> | undefined {
  if (ends.every((end) => end === undefined)) return undefined;
  return (result) => {
    for (const end of ends) end?.(result);
  };
}
