import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import {
  AccessError,
  DeadlineError,
  FailedPreconditionError,
  InternalError,
  InvalidArgumentError,
  NotFoundError,
  OverloadedError,
  UnavailableError,
} from '../errors.js';
import { faultOf } from '../fixture/fault.js';
import { errorFromStatus } from './status.js';

describe('errors from a gRPC status', () => {
  it.each([
    [status.INVALID_ARGUMENT, InvalidArgumentError, false],
    [status.UNAVAILABLE, UnavailableError, true],
    [status.DEADLINE_EXCEEDED, DeadlineError, true],
    [status.NOT_FOUND, NotFoundError, false],
    [status.FAILED_PRECONDITION, FailedPreconditionError, false],
    [status.UNAUTHENTICATED, AccessError, false],
    [status.PERMISSION_DENIED, AccessError, false],
    [status.INTERNAL, InternalError, false],
  ])('status %d is %o', (code, kind, retryable) => {
    const error = errorFromStatus(faultOf({ code, details: 'words', reason: 'WHY' }));
    expect(error).toBeInstanceOf(kind);
    expect(error).toMatchObject({ name: kind.name, code: status[code], message: 'words', reason: 'WHY', retryable });
  });

  it('tells field, limit and log id', () => {
    const metadata = { field: 'topic', limit: '1 to 128', log_id: 'abc' };
    const error = errorFromStatus(faultOf({ code: status.INVALID_ARGUMENT, details: '', reason: 'X', metadata }));
    expect(error).toMatchObject({ field: 'topic', limit: '1 to 128', logId: 'abc' });
  });

  it('overload is worth a retry', () => {
    const error = errorFromStatus(faultOf({ code: status.RESOURCE_EXHAUSTED, details: 'busy', reason: 'OVERLOADED' }));
    expect(error).toBeInstanceOf(OverloadedError);
    expect(error.retryable).toBe(true);
  });

  it.each(['BODY_TOO_LARGE', undefined])('a message that is too large (%s) is not', (reason) => {
    const details = { code: status.RESOURCE_EXHAUSTED, details: 'too large' };
    const error = errorFromStatus(faultOf(reason === undefined ? details : { ...details, reason }));
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', retryable: false });
  });

  it('details that are no protobuf do not hide the error', () => {
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from([0xff, 0xff, 0xff]));
    expect(errorFromStatus({ code: status.NOT_FOUND, details: 'gone', metadata })).toMatchObject({
      name: 'NotFoundError',
      message: 'gone',
      reason: '',
    });
  });
});
