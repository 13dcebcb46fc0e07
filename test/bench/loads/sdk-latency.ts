/** One message at a time by the SDK: the next is published when the last one was confirmed and delivered. */
import { LoneMessages } from './lone-messages.js';
import { SdkBus } from './sdk-bus.js';
import { serveRounds } from './serve-rounds.js';

await serveRounds(async (settings) => {
  const { topic, channel, credit, concurrency } = settings;
  const sdk = await SdkBus.open(settings);
  const lone = new LoneMessages((confirmed) => sdk.publish(confirmed));
  const subscription = sdk.bus.subscribe(topic, channel, () => lone.delivered(), { credit, concurrency });
  await subscription.ready;
  return (messages) => lone.round(messages);
});
