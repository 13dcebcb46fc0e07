/** Events through the bus in memory, to one handler: in bursts without a promise, and one awaited publish after the other. */
import { localBus } from '@waybill/sdk/local';
import { eventRounds } from './event-rounds.js';

await eventRounds((topic, handler) => {
  const bus = localBus<Record<string, { n: number }>>();
  bus.subscribe(topic, 'bench', ({ payload }) => handler(payload.n));
  return {
    emit: (n) => {
      if (!bus.emit(topic, { n })) throw new Error('the queue was full');
    },
    publish: async (n) => {
      await bus.publish(topic, { n });
    },
  };
});
