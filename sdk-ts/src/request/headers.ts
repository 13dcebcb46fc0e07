/** The message headers by which requests and replies find each other, the same in the SDKs of all languages. */

/** On a request: the topic that the reply is published to. */
export const REPLY_TO = 'waybill-reply-to';
/** On a request and its reply: which request it is. */
export const CORRELATION_ID = 'waybill-correlation-id';
/** On a reply that is an error: what went wrong, in words. Its body is the error's details as JSON, or empty. */
export const ERROR = 'waybill-error';

/** W3C trace context: a reply goes on with that of its request. */
export const TRACE_CONTEXT = ['traceparent', 'tracestate'] as const;
