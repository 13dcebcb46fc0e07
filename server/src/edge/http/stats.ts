import { answerText } from './answer.js';
import type { Route } from './route.js';

export interface Counts {
  readonly consumers: number;
  readonly producers: number;
  readonly queues: number;
  readonly unsettled: number;
}

/** `/stats`: one line of text, begun as the original event-bus begins its own, of what goes on in this gateway. */
export function statsRoute(counts: () => Counts): Route {
  return {
    path: '/stats',
    method: 'GET',
    handle(_, response) {
      const { consumers, producers, queues, unsettled } = counts();
      answerText(
        response,
        200,
        `Consumers: ${consumers}, Producers: ${producers}, Queues: ${queues}, Unsettled: ${unsettled}\n`,
      );
    },
  };
}
