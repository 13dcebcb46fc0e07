export { createInbox, type Handled, type Inbox, type InboxOptions, type Once } from '../inbox/inbox.js';
export type { Dialect } from './dialect.js';
export type { Transaction } from './handles/recognise.js';
export { createOutbox, type Outbox, type OutboxOptions, type Written } from './outbox.js';
export { createRelay, type Relay, type RelayedRow, type RelayOptions } from './relay.js';
export type { FailedRow, Lag } from './relay-store.js';
export {
  createTableConsumer,
  type TableConsumer,
  type TableConsumerOptions,
  type TableHandler,
} from './table-consumer.js';
export type { TableMessage } from './table-message.js';
export { inboxTables, outboxTables, type TableOptions } from './tables.js';
