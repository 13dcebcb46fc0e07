import type { Message } from '../message.js';
import type { Verdict } from './action.js';

/** A message as its runner sees it, whatever transport has brought it. */
export interface Delivered extends Message {
  /** Its lease or its stream is gone: somebody else has the message. */
  readonly isLost: boolean;
  /** Settles, unless that was done before; never throws. */
  finish(verdict: Verdict): void;
  /** The handler has returned, and settling was left to somebody else: the lease is theirs to extend. */
  leave(): void;
}
