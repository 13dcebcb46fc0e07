import type { Engine } from '../support/gateway.js';
import type { SetReport } from '../support/set-checker.js';
import type { Stage } from './stage.js';

/** One kind of trouble, and messages that must survive it. */
export interface Scenario {
  /** As the table and `--only` call it: words with hyphens. */
  readonly name: string;
  /** What happens, in one line. */
  readonly title: string;
  /** Those on which it can happen: an engine without the part that breaks is left out. */
  readonly engines: readonly Engine[];
  /** Rejects when something other than the books is wrong: an ack that should be STALE was not, memory was not bounded. */
  readonly play: (stage: Stage) => Promise<Outcome>;
}

export interface Outcome extends SetReport {
  /** From the end of the trouble until a message that was published after it was acked; null where nothing had to recover. */
  readonly recoveredSeconds: number | null;
  /** Where messages were lost: what is known of them. */
  readonly details?: readonly string[];
}

export interface Row extends Outcome {
  readonly scenario: string;
  readonly engine: Engine;
}

/** Guarantees 1 to 3: nothing is lost, and an ack that answered OK is final. */
export function isSound({ lost, afterAck, published }: Outcome): boolean {
  return published > 0 && lost === 0 && afterAck === 0;
}
