export type { Body, JsonValue } from './body.js';
export type { Bus, CallOptions, PublishItem, PublishOptions, SettleResult } from './bus.js';
export { connect } from './connect.js';
export { RetryAfter, UnrecoverableError } from './consumer/handler-errors.js';
export type { PullOptions } from './consumer/pull.js';
export type { ExponentialBackoff, RetryOptions } from './consumer/retry.js';
export type { Handler } from './consumer/runner.js';
export type { SubscribeOptions, Subscription } from './consumer/subscription.js';
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
export type { Message } from './message.js';
export type { ConnectOptions, TlsOptions } from './options.js';
export type { MessageOptions } from './publisher/outgoing.js';
export type { Outcome, Published } from './publisher/pending.js';
export type { RequestOptions, Responder, ServeOptions } from './request/options.js';
export { ReplyError } from './request/reply-error.js';
