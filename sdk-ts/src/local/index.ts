export type { ChannelStats } from './channel.js';
export type { DeadLetter, DeadLetterFilter } from './dead-letters.js';
export type {
  EventItem,
  EventMap,
  EventMessage,
  KnownTopic,
  LocalBatchOptions,
  LocalBus,
  LocalSubscribeOptions,
  PayloadOf,
  TopicsOf,
} from './events.js';
export { localBus } from './local-bus.js';
export type { LocalBusOptions } from './options.js';
export type { SlowChannel } from './slowness.js';
