/** Publishes, consumes and acks each message by amqplib alone: one connection publishes, another consumes. */
import { connect } from 'amqplib';
import { RawQueue } from './raw-queue.js';
import { expectCount, rate, serveRounds } from './serve-rounds.js';

await serveRounds(async (settings) => {
  const queue = await RawQueue.open(settings);
  const channel = await (await connect(settings.amqpUrl)).createChannel();
  await channel.prefetch(settings.credit);
  let left = 0;
  let finish: () => void = () => {};
  // One consumer for all rounds: an ack has no answer, and the broker may forget those under way when a channel closes.
  await channel.consume(queue.name, (message) => {
    if (message === null) throw new Error('the broker cancelled the consumer');
    if (message.fields.redelivered) throw new Error('a message came twice');
    channel.ack(message);
    if (--left === 0) finish();
  });
  return async (messages) => {
    left = messages;
    const allAcked = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const start = performance.now();
    await Promise.all([queue.publishAll(messages), allAcked]);
    const figures = rate(messages, start);
    expectCount('messages left', left, 0);
    expectCount('messages in the queue', await queue.purge(), 0);
    return figures;
  };
});
