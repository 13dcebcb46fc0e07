/** Publishes with confirms by amqplib alone. */
import { RawQueue } from './raw-queue.js';
import { expectCount, rate, serveRounds } from './serve-rounds.js';

await serveRounds(async (settings) => {
  const queue = await RawQueue.open(settings);
  return async (messages) => {
    const start = performance.now();
    await queue.publishAll(messages);
    const figures = rate(messages, start);
    expectCount('messages in the queue', await queue.purge(), messages);
    return figures;
  };
});
