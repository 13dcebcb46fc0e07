import { create } from '@bufbuild/protobuf';
import { Bus, PullRequestSchema } from '@waybill/proto/waybill/v1/bus';
import type { Delivery } from '@waybill/proto/waybill/v1/message';
import { Backoff } from '../backoff.js';
import { milliseconds, seconds } from '../duration.js';
import { ClosedError, isRetryable } from '../errors.js';
import type { Connection } from '../grpc/connection.js';
import { methodDefinition } from '../grpc/definition.js';
import type { Message } from '../message.js';
import { count } from '../options.js';
import { pause } from '../pause.js';
import { nack } from './action.js';
import type { PullOptions } from './pull-options.js';
import { MAX_LEASE_SECONDS, type MessageOwner, ReceivedMessage } from './received-message.js';
import { retryPolicy } from './retry.js';
import type { Settler } from './settle.js';

const METHOD = methodDefinition(Bus.method.pull);
const MAX_WAIT_MS = 3_600_000;

/**
 * Takes messages by calls, until the loop is left, the signal aborts or the bus closes. While no gateway answers it waits and
 * tries again; it throws what the gateway refuses for good. Messages that were taken and not yet given to the loop when it is left go back.
 */
export async function* pull(
  connection: Connection,
  settler: Settler,
  topic: string,
  channel: string,
  options: PullOptions,
): AsyncGenerator<Message, void, undefined> {
  const { lease, retry } = options;
  const leaseSeconds = lease === undefined ? 0 : seconds(lease, 'lease', 1, MAX_LEASE_SECONDS);
  const waitMs = milliseconds(options.wait ?? 20_000, 'wait', 0, MAX_WAIT_MS);
  const request = create(PullRequestSchema, {
    topic,
    channel,
    maxMessages: count(options.batch ?? 1, 'batch', 1, 1_000),
    leaseSeconds,
    waitMs: BigInt(waitMs),
    consumer: connection.options.name,
    ...(retry === undefined ? {} : { retry: retryPolicy(retry) }),
  });
  const signal =
    options.signal === undefined ? connection.signal : AbortSignal.any([options.signal, connection.signal]);
  if (connection.closed) throw new ClosedError('the bus is closed');
  const owner: MessageOwner = { settle: (action, settling) => settler.settle(action, settling), released() {} };
  const backoff = new Backoff();
  const timeoutMs = waitMs + connection.options.deadlineMs;
  while (!signal.aborted) {
    let deliveries: readonly Delivery[] = [];
    try {
      ({ deliveries } = await connection.unary(METHOD, request, { timeoutMs, repeat: false, signal }));
      backoff.reset();
    } catch (error) {
      if (signal.aborted) return;
      if (!isRetryable(error)) throw error;
      await pause(backoff.next(), signal).catch(() => {});
    }
    const now = performance.now();
    const batch = deliveries.map((delivery) => new ReceivedMessage(delivery, owner, leaseSeconds * 1_000, now));
    let given = 0;
    try {
      for (const message of batch) {
        if (signal.aborted) return;
        given++;
        yield message;
      }
    } finally {
      for (const message of batch.slice(given))
        message.finish(nack(0, 'not handled: the consumer left its loop', true));
    }
  }
}
