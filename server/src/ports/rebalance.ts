import type { ChannelId } from '../model/channel.js';

/**
 * How gateways that share a broker tell each other that consumers starve.
 *
 * Failure contract: best effort. A word that is lost is said again, for as long as the hunger lasts; neither call throws.
 */
export interface Rebalance {
  /** Consumers of these channels wait here, and nothing comes. */
  hungry(channels: readonly ChannelId[]): void;
  /** Calls the listener when another gateway is hungry; one listener. */
  onHungry(listener: (channels: readonly ChannelId[]) => void): void;
}
