import { Metadata, type MethodDefinition, status } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { FailedPreconditionError, UnavailableError } from '../errors.js';
import { resolveOptions } from '../options.js';
import type { CallStatus, StreamCall, Transport, UnaryCallOptions } from '../transport/transport.js';
import { Connection, isUnavailable } from './connection.js';

const METHOD = { path: '/test/Call' } as MethodDefinition<string, string>;

it('repeats after the errors that it is told to, and after no other', async () => {
  const path = new Scripted([status.UNAVAILABLE, status.UNAVAILABLE, status.FAILED_PRECONDITION]);
  const connection = new Connection(resolveOptions({}, {}), path);
  const call = connection.unary(METHOD, 'a', { timeoutMs: 10_000, repeat: isUnavailable });
  await expect(call).rejects.toBeInstanceOf(FailedPreconditionError);
  expect(path.calls).toHaveLength(3);
});

it('answers when a repeated call does', async () => {
  const path = new Scripted([status.FAILED_PRECONDITION]);
  const connection = new Connection(resolveOptions({}, {}), path);
  const repeat = (error: unknown) => error instanceof FailedPreconditionError;
  await expect(connection.unary(METHOD, 'a', { timeoutMs: 10_000, repeat })).resolves.toBe('a');
  expect(path.calls.map((options) => options.waitForReady)).toEqual([false, false]);
});

it('gives up before its deadline, with what failed last', async () => {
  const path = new Scripted(Array.from({ length: 1_000 }, () => status.UNAVAILABLE));
  const connection = new Connection(resolveOptions({}, {}), path);
  const call = connection.unary(METHOD, 'a', { timeoutMs: 200, repeat: isUnavailable });
  await expect(call).rejects.toBeInstanceOf(UnavailableError);
  // Each wait is at least half of 50, 100, … ms.
  expect(path.calls.length).toBeLessThan(5);
  expect(new Set(path.calls.map((options) => options.deadline)).size).toBe(1);
});

it('is made once, and waits for a connection, when it may not be repeated', async () => {
  const path = new Scripted([status.UNAVAILABLE]);
  const connection = new Connection(resolveOptions({}, {}), path);
  const call = connection.unary(METHOD, 'a', { timeoutMs: 10_000, repeat: false });
  await expect(call).rejects.toBeInstanceOf(UnavailableError);
  expect(path.calls.map((options) => options.waitForReady)).toEqual([true]);
});

/** Calls end with these codes, one after the other; after that each answers its request. */
class Scripted implements Transport {
  readonly calls: UnaryCallOptions[] = [];

  constructor(private readonly codes: readonly status[]) {}

  unary<I, O>(
    _method: MethodDefinition<I, O>,
    request: I,
    options: UnaryCallOptions,
    done: (ended: CallStatus, response?: O) => void,
  ): () => void {
    const code = this.codes[this.calls.push(options) - 1] ?? status.OK;
    setImmediate(() =>
      done(
        { code, details: 'as told', metadata: new Metadata() },
        code === status.OK ? (request as unknown as O) : undefined,
      ),
    );
    return () => {};
  }

  stream<I, O>(_method: MethodDefinition<I, O>): StreamCall<I> {
    throw new Error('no streams here');
  }

  async close(): Promise<void> {}
}
