/** Events through Node's EventEmitter, to one listener. */
import { EventEmitter } from 'node:events';
import { eventRounds } from './event-rounds.js';

await eventRounds((topic, handler) => {
  const emitter = new EventEmitter();
  emitter.on(topic, ({ n }: { n: number }) => handler(n));
  return {
    emit: (n) => {
      emitter.emit(topic, { n });
    },
    publish: async (n) => {
      emitter.emit(topic, { n });
    },
  };
});
