export type { DeadLetter, DeadLetterFilter } from '../local/dead-letters.js';
export type { EventMap, EventMessage } from '../local/events.js';
export { DeliveryHangsError, type HandlerFailure, HandlersFailedError } from './handler-failure.js';
export type { PublishedMessage } from './published-message.js';
export { type DeliverOptions, type DeliveryReport, type TestBus, type TestBusOptions, testBus } from './test-bus.js';
