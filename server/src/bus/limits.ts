import type { ClientLimits } from './client-share.js';

/** What bounds the memory of the bus, whatever waits in the broker and however many consumers and topics there are. */
export interface BusLimits {
  /** What one client may hold: past it, delivery to it pauses. */
  readonly client: ClientLimits;
  /** Config `MaxHeldBytes`: past it, less is taken from the broker. */
  readonly heldBytes: number;
  /** Config `MaxSubscribersPerChannel`: past it, OVERLOADED. */
  readonly subscribersPerChannel: number;
  /** Config `MaxChannels`: past it, OVERLOADED. */
  readonly channels: number;
  /** Config `MaxTopics`: past it, OVERLOADED. */
  readonly topics: number;
  /** Config `MaxWaitingCalls`: past it, OVERLOADED. */
  readonly waitingCalls: number;
  /** Receipts. Config `MaxPendingSettles`: past it, OVERLOADED. */
  readonly pendingSettles: number;
}

const NONE = Number.POSITIVE_INFINITY;

export const UNLIMITED: BusLimits = {
  client: { messages: NONE, bytes: NONE },
  heldBytes: NONE,
  subscribersPerChannel: NONE,
  channels: NONE,
  topics: NONE,
  waitingCalls: NONE,
  pendingSettles: NONE,
};
