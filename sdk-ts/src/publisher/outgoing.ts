import { type Body, encodeBody } from '../body.js';
import { type Duration, milliseconds } from '../duration.js';
import { InvalidArgumentError } from '../errors.js';

/** What may be said about a message when it is published. */
export interface MessageOptions {
  /**
   * What the message is known by on its topic: up to 128 characters of visible ASCII. A message with an id that the topic
   * accepted before, within the gateway's dedupe window, is dropped: outcome `duplicate`. Default: a new UUIDv7.
   */
  id?: string;
  /** What the message is about, such as an order number: up to 128 characters. Default: none. */
  key?: string;
  /** Up to 64; names of 1 to 128 characters of visible ASCII; 16 KiB for all. Default: none. */
  headers?: Readonly<Record<string, string>>;
  /** Not delivered before this time has passed: 0 to 10 years; a number is milliseconds. At most one of `delay` and `at`. Default: none. */
  delay?: Duration;
  /** Not delivered before this time, at most 10 years ahead; one that has passed means now. Default: none. */
  at?: Date;
  /** A message that was not handed out this long after it was accepted expires. Must be longer than the delay. Default: never. */
  ttl?: Duration;
}

/** The names of `MessageOptions`. */
export const MESSAGE_OPTIONS: ReadonlySet<string> = new Set<keyof MessageOptions>([
  'id',
  'key',
  'headers',
  'delay',
  'at',
  'ttl',
]);

/** A message as it is going to be sent. */
export interface Outgoing {
  /** Empty until its batch gives it one. */
  id: string;
  readonly topic: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly content: string | Uint8Array;
  readonly bodyLength: number;
  readonly delayMs: number;
  readonly dueTimeMs: number;
  readonly ttlMs: number;
  /** When `publish` was called: a delay counts from here, however long the message waits or is resent. Unix milliseconds. */
  readonly calledAt: number;
}

export const MAX_DELAY_MS = 315_360_000_000;

const NO_OPTIONS: MessageOptions = {};
const JSON_TYPE = 'application/json';

/** Throws InvalidArgumentError for options that contradict each other or are out of range. Names and sizes are the gateway's to judge. */
export function outgoing(
  topic: string,
  body: Body,
  options: MessageOptions = NO_OPTIONS,
  calledAt = Date.now(),
): Outgoing {
  const { content, length, json } = encodeBody(body);
  const { id = '', key = '', headers, delay, at, ttl } = options;
  requireText(topic, 'topic');
  requireText(id, 'id');
  requireText(key, 'key');
  if (headers !== undefined) for (const name in headers) requireText(headers[name], `headers["${name}"]`);
  if (delay !== undefined && at !== undefined) throw bothTimes();
  return {
    id,
    topic,
    key,
    headers: json ? withJsonType(headers) : headers,
    content,
    bodyLength: length,
    delayMs: delay === undefined ? 0 : milliseconds(delay, 'delay', 0, MAX_DELAY_MS),
    dueTimeMs: at === undefined ? 0 : dueTime(at, 'at'),
    ttlMs: ttl === undefined ? 0 : milliseconds(ttl, 'ttl', 0, MAX_DELAY_MS),
    calledAt,
  };
}

/** About as many bytes as the message takes on the wire. */
export function weigh(message: Outgoing): number {
  let bytes = message.bodyLength + message.topic.length + message.key.length + 64;
  if (message.headers !== undefined) {
    for (const name in message.headers) bytes += name.length + (message.headers[name]?.length ?? 0) + 8;
  }
  return bytes;
}

/** Unix milliseconds, at least 1. */
export function dueTime(at: Date, field: string): number {
  const time = at.getTime();
  if (Number.isFinite(time)) return Math.max(1, time);
  throw new InvalidArgumentError(`${field} is an invalid date`, {
    code: 'INVALID_ARGUMENT',
    reason: 'DELAY_INVALID',
    field,
    limit: 'a valid Date',
  });
}

const JSON_HEADERS: Readonly<Record<string, string>> = { 'content-type': JSON_TYPE };

function withJsonType(headers: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> {
  if (headers === undefined) return JSON_HEADERS;
  const given = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type');
  return given ? headers : { ...headers, ...JSON_HEADERS };
}

// The types say so already; a caller without types must not break the batch of all the others.
function requireText(value: unknown, field: string): void {
  if (typeof value === 'string') return;
  throw new InvalidArgumentError(`${field} is ${typeof value}: it takes a string`, {
    code: 'INVALID_ARGUMENT',
    reason: 'OPTION_INVALID',
    field,
    limit: 'a string',
  });
}

function bothTimes(): InvalidArgumentError {
  return new InvalidArgumentError('delay and at are both given: at most one of them may be', {
    code: 'INVALID_ARGUMENT',
    reason: 'DELAY_INVALID',
    field: 'delay',
    limit: 'at most one of delay and at',
  });
}
