import { expect, it } from 'vitest';
import { AccessError, FailedPreconditionError, UnavailableError } from '../errors.js';
import type { Connection, UnaryOptions } from '../grpc/connection.js';
import { removeTopic } from './remove-topic.js';

it('is asked again while a gateway still sees the consumer that just ended, or none answers; not where it may not', async () => {
  const { timeoutMs, repeat } = await optionsOf(5_000);
  expect(timeoutMs).toBe(5_000);
  if (repeat === false) throw new Error('it is asked once');
  expect(
    repeat(new FailedPreconditionError('1 consumer', { code: 'FAILED_PRECONDITION', reason: 'CHANNEL_IN_USE' })),
  ).toBe(true);
  expect(repeat(new UnavailableError('no gateway', { code: 'UNAVAILABLE' }))).toBe(true);
  expect(repeat(new FailedPreconditionError('paused', { code: 'FAILED_PRECONDITION', reason: 'OTHER' }))).toBe(false);
  expect(repeat(new AccessError('no', { code: 'PERMISSION_DENIED', reason: 'ACCESS_DENIED' }))).toBe(false);
});

/** How the call of DeleteTopic is made. */
async function optionsOf(timeoutMs: number): Promise<UnaryOptions> {
  const calls: UnaryOptions[] = [];
  const connection: Pick<Connection, 'unary'> = {
    async unary<_I, O>(_method: unknown, _request: unknown, options: UnaryOptions): Promise<O> {
      calls.push(options);
      return {} as O;
    },
  };
  await removeTopic(connection, 'waybill.replies.a', timeoutMs);
  const [options] = calls;
  if (options === undefined) throw new Error('nothing was called');
  return options;
}
