export type { Body, JsonValue } from './body.js';
export type { Bus, CallOptions, PublishItem, PublishOptions, SettleResult } from './bus.js';
export { bytes } from './codec/bytes.js';
export type { Codec } from './codec/codec.js';
export { json } from './codec/json.js';
export { protobuf } from './codec/protobuf.js';
export type { SchemaIssue, SchemaResult, StandardSchema } from './codec/standard-schema.js';
export { text } from './codec/text.js';
export { connect } from './connect.js';
export type { BatchOptions } from './consumer/batch-options.js';
export type { BatchHandler, Handler } from './consumer/handler.js';
export { RetryAfter, UnrecoverableError } from './consumer/handler-errors.js';
export type { PullOptions } from './consumer/pull-options.js';
export type { ExponentialBackoff, RetryOptions } from './consumer/retry-options.js';
export type { SubscribeOptions, Subscription } from './consumer/subscribe-options.js';
export type { Duration } from './duration.js';
export {
  AccessError,
  ClosedError,
  DeadlineError,
  type ErrorDetails,
  FailedPreconditionError,
  InternalError,
  InvalidArgumentError,
  LockHeldError,
  LockLostError,
  NotFoundError,
  OverloadedError,
  PublishManyError,
  StaleReceiptError,
  type StatusName,
  UnavailableError,
  WaybillError,
} from './errors.js';
export type { Lock, LockOptions, LockScope } from './lock/lock.js';
export type { Message, NackOptions, Settlement } from './message.js';
export { type DeliveryKey, type IdempotencyStore, idempotency } from './middleware/idempotency.js';
export { type LogEntry, logging } from './middleware/logging.js';
export { type MemoryStoreOptions, memoryStore } from './middleware/memory-store.js';
export { type Instruments, metrics, type OutcomeLabels, type SubscriptionLabels } from './middleware/metrics.js';
export type { Middleware, SubscriptionInfo } from './middleware/middleware.js';
export type { Outcome as HandlerOutcome } from './middleware/outcome.js';
export type { ConnectOptions, TlsOptions } from './options.js';
export type { MessageOptions } from './publisher/outgoing.js';
export type { Outcome, Published } from './publisher/pending.js';
export type { RequestOptions, Responder, ServeOptions } from './request/options.js';
export { ReplyError } from './request/reply-error.js';
export type { Received, Topic, TopicBatchHandler, TopicHandler, TopicItem } from './topic/topic.js';
