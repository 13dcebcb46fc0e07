import type { Message, SubscribeOptions } from '@waybill/sdk';
import { type ConnectionFlags, interruption, open } from './connection.js';
import { note } from './output.js';

export interface Listening {
  readonly flags: ConnectionFlags;
  readonly topic: string;
  readonly channel: string;
  /** Ends after so many messages. Default: only when it is interrupted. */
  readonly count: number | undefined;
  readonly options: SubscribeOptions;
  /** Said once it listens. */
  readonly greeting: string;
  readonly take: (message: Message) => void | Promise<void>;
  /** What comes when enough were taken. */
  readonly surplus: (message: Message) => void | Promise<void>;
}

/** Takes the messages of a channel until there were enough, the user interrupts, or the subscription ends by itself. */
export async function listen({ flags, topic, channel, count, options, ...on }: Listening): Promise<void> {
  const signal = interruption();
  const bus = await open(flags);
  let left = count ?? Number.POSITIVE_INFINITY;
  let stop: () => void = () => {};
  const enough = new Promise<void>((resolve) => {
    stop = resolve;
  });
  signal.addEventListener('abort', stop);
  const subscription = bus.subscribe(
    topic,
    channel,
    async (message) => {
      if (left === 0) return await on.surplus(message);
      left--;
      await on.take(message);
      if (left === 0) stop();
    },
    { ...options, onError: (error) => note(error instanceof Error ? error.message : String(error)) },
  );
  try {
    await subscription.ready;
    note(on.greeting);
    await Promise.race([enough, subscription.closed]);
  } finally {
    await subscription.stop();
    await bus.close();
  }
}
