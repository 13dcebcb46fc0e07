/** Events through an EventTarget, to one listener. */
import { eventRounds } from './event-rounds.js';

class Numbered extends Event {
  constructor(
    type: string,
    readonly n: number,
  ) {
    super(type);
  }
}

await eventRounds((topic, handler) => {
  const target = new EventTarget();
  target.addEventListener(topic, (event) => {
    if (event instanceof Numbered) handler(event.n);
  });
  return {
    emit: (n) => {
      target.dispatchEvent(new Numbered(topic, n));
    },
    publish: async (n) => {
      target.dispatchEvent(new Numbered(topic, n));
    },
  };
});
