import { expect, it } from 'vitest';
import { AccessError, FailedPreconditionError, type WaybillError } from '../errors.js';
import type { Connection } from '../grpc/connection.js';
import { removeTopic } from './remove-topic.js';

const IN_USE = new FailedPreconditionError('it has 1 consumers', {
  code: 'FAILED_PRECONDITION',
  reason: 'CHANNEL_IN_USE',
});

/** A connection on which calls end as told, one after the other; after that all succeed. */
class Scripted implements Pick<Connection, 'unary'> {
  calls = 0;

  constructor(private readonly failures: WaybillError[]) {}

  async unary<_I, O>(): Promise<O> {
    const failure = this.failures[this.calls++];
    if (failure !== undefined) throw failure;
    return {} as O;
  }
}

it('waits for a gateway that still sees the consumer which just ended', async () => {
  const connection = new Scripted([IN_USE, IN_USE]);
  await removeTopic(connection, 'waybill.replies.a', 5_000);
  expect(connection.calls).toBe(3);
});

it('gives up in time when the consumer stays', async () => {
  const connection = new Scripted(Array.from({ length: 1_000 }, () => IN_USE));
  await expect(removeTopic(connection, 'waybill.replies.a', 50)).rejects.toBe(IN_USE);
  expect(connection.calls).toBeLessThan(20);
});

it('asks once where it may not', async () => {
  const denied = new AccessError('no', { code: 'PERMISSION_DENIED', reason: 'ACCESS_DENIED' });
  const connection = new Scripted([denied]);
  await expect(removeTopic(connection, 'waybill.replies.a', 5_000)).rejects.toBe(denied);
  expect(connection.calls).toBe(1);
});
