import type { Middleware } from './middleware.js';
import type { Outcome } from './outcome.js';
import { watch } from './watch.js';

/** One handled message, for a log. */
export interface LogEntry {
  readonly topic: string;
  readonly channel: string;
  readonly id: string;
  readonly key: string;
  readonly attempt: number;
  /** How it is settled; `left`: by hand, later. */
  readonly outcome: Outcome;
  readonly durationMs: number;
  /** What the handler threw; undefined when it returned. */
  readonly error: unknown;
}

/**
 * Logs every handled message. Default: one line on the console.
 *
 * @example connect({ middleware: [logging((entry) => pino.info(entry, 'handled'))] })
 */
export function logging(write: (entry: LogEntry) => void = toConsole): Middleware {
  return watch(({ message, subscription, outcome, durationMs, error }) => {
    const { topic, id, key, attempt } = message;
    write({ topic, channel: subscription.channel, id, key, attempt, outcome, durationMs, error });
  });
}

function toConsole({ topic, channel, id, attempt, outcome, durationMs, error }: LogEntry): void {
  const line = `${topic}/${channel} ${id} attempt ${attempt}: ${outcome} after ${durationMs.toFixed(1)} ms`;
  if (error === undefined) console.info(line);
  else console.error(line, error);
}
