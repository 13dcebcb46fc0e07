/** One message at a time by amqplib alone: the next is published when the last one was confirmed and consumed. */
import { connect } from 'amqplib';
import { LoneMessages } from './lone-messages.js';
import { RawQueue } from './raw-queue.js';
import { serveRounds } from './serve-rounds.js';

await serveRounds(async (settings) => {
  const queue = await RawQueue.open(settings);
  const channel = await (await connect(settings.amqpUrl)).createChannel();
  await channel.prefetch(settings.credit);
  const lone = new LoneMessages((confirmed) => queue.publish(confirmed));
  await channel.consume(queue.name, (message) => {
    if (message === null) throw new Error('the broker cancelled the consumer');
    lone.delivered();
    channel.ack(message);
  });
  return (messages) => lone.round(messages);
});
