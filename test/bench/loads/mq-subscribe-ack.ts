/** Takes and acks messages one by one, by many workers at once, as clients of event-bus do: two unary calls a message. */
import { Mq } from '@waybill/proto/mq/mq';
import { RpcClient } from '../../support/rpc.js';
import { SdkBus } from './sdk-bus.js';
import { expectCount, rate, serveRounds } from './serve-rounds.js';

const CALL_MS = 60_000;

await serveRounds(async (settings) => {
  const sdk = await SdkBus.open(settings);
  await sdk.makeChannel();
  const { gateway, topic, concurrency } = settings;
  const client = new RpcClient(gateway);
  return async (messages) => {
    await sdk.publishAll(messages);
    const ids = new Set<string>();
    let taken = 0;
    const work = async () => {
      while (taken < messages) {
        taken++;
        const { id } = await client.call(Mq.method.subscribe, { queue: topic }, CALL_MS);
        // Answered once the message is settled in MySQL.
        await client.call(Mq.method.ack, { id }, CALL_MS);
        ids.add(id);
      }
    };
    const start = performance.now();
    await Promise.all(Array.from({ length: concurrency }, work));
    const figures = rate(messages, start);
    expectCount('messages taken and acked', ids.size, messages);
    return figures;
  };
});
