import type { SdkBus } from './sdk-bus.js';
import { expectCount, type LoadSettings, type Round, rate } from './serve-rounds.js';

/** Publishes, consumes and acks each message, and waits until every ack is durable. */
export function endToEnd(sdk: SdkBus, { topic, channel, concurrency, credit }: LoadSettings): Round {
  return async (messages) => {
    let acked = 0;
    let finish: () => void = () => {};
    let fail: (error: unknown) => void = () => {};
    const allAcked = new Promise<void>((resolve, reject) => {
      finish = resolve;
      fail = reject;
    });
    const subscription = sdk.bus.subscribe(
      topic,
      channel,
      async (message) => {
        await message.ack();
        if (++acked === messages) finish();
      },
      { concurrency, credit, settle: 'manual', onError: (error) => fail(error) },
    );
    await subscription.ready;
    const start = performance.now();
    await Promise.all([sdk.publishAll(messages), allAcked]);
    const figures = rate(messages, start);
    await subscription.stop();
    expectCount('messages acked', acked, messages);
    return figures;
  };
}
