/** Publishes by the SDK to a topic with one channel, which nobody consumes. */
import { ChannelQueue } from './channel-queue.js';
import { SdkBus } from './sdk-bus.js';
import { rate, serveRounds } from './serve-rounds.js';

await serveRounds(async (settings) => {
  const sdk = await SdkBus.open(settings);
  await sdk.makeChannel();
  const queue = await ChannelQueue.open(settings);
  return async (messages) => {
    const start = performance.now();
    await sdk.publishAll(messages);
    const figures = rate(messages, start);
    await queue.empty();
    return figures;
  };
});
