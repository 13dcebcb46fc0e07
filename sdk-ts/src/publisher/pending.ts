import type { Outgoing } from './outgoing.js';

/** Confirmed by the broker or on disk; in the schedule until due; waiting for the topic's first channel; or dropped, as this id had been accepted before. */
export type Outcome = 'accepted' | 'scheduled' | 'parked' | 'duplicate';

/** A message that is durable. */
export interface Published {
  /** The message's id: yours, or the one it was given. */
  readonly id: string;
  readonly outcome: Outcome;
}

/** A message whose publish was called and has not settled. */
export interface Pending {
  readonly message: Outgoing;
  readonly weight: number;
  /** Unix milliseconds. */
  readonly deadline: number;
  readonly resolve: (published: Published) => void;
  readonly reject: (error: unknown) => void;
  /** Set once, by whatever settles it first: the answer, the deadline, the signal or the close. */
  done: boolean;
  /** How often the gateway refused it for now. */
  refusals: number;
  /** Stops listening to the signal. */
  unlisten: (() => void) | undefined;
}

/** What travels as one request: sent together, answered together. */
export interface Batch {
  readonly sequence: number;
  readonly entries: readonly Pending[];
  readonly weight: number;
}
