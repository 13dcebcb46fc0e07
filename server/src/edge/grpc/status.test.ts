import { BinaryReader } from '@bufbuild/protobuf/wire';
import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { BusError, type Reason } from '../../model/errors.js';
import { codeOf, disclose, toServiceError } from './status.js';

class Log {
  readonly errors: { fields: object; message: string }[] = [];
  debug(): void {}
  info(): void {}
  warn(): void {}
  error(fields: object, message: string): void {
    this.errors.push({ fields, message });
  }
}

/** Length-delimited fields and numbers, by field number: as much of protobuf as a status needs. */
function fields(bytes: Uint8Array): Map<number, (Uint8Array | number)[]> {
  const reader = new BinaryReader(bytes);
  const found = new Map<number, (Uint8Array | number)[]>();
  while (reader.pos < reader.len) {
    const [no, type] = reader.tag();
    found.set(no, [...(found.get(no) ?? []), type === 0 ? reader.int32() : reader.bytes()]);
  }
  return found;
}

const text = (value: Uint8Array | number | undefined) =>
  value instanceof Uint8Array ? Buffer.from(value).toString() : '';

function details(error: unknown, log = new Log()) {
  const service = toServiceError(error, log);
  expect(service.metadata).toBeInstanceOf(Metadata);
  const [bytes] = service.metadata?.get('grpc-status-details-bin') ?? [];
  const outer = fields(bytes instanceof Buffer ? bytes : Buffer.alloc(0));
  const any = fields(outer.get(3)?.[0] as Uint8Array);
  const info = fields(any.get(2)?.[0] as Uint8Array);
  const metadata = (info.get(3) ?? []).map((entry) => {
    const pair = fields(entry as Uint8Array);
    return [text(pair.get(1)?.[0]), text(pair.get(2)?.[0])];
  });
  return {
    service,
    code: outer.get(1)?.[0],
    message: text(outer.get(2)?.[0]),
    type: text(any.get(1)?.[0]),
    reason: text(info.get(1)?.[0]),
    domain: text(info.get(2)?.[0]),
    metadata: Object.fromEntries(metadata),
    log,
  };
}

describe('an error as a gRPC status', () => {
  test.each<[Reason, status]>([
    ['TOPIC_INVALID', status.INVALID_ARGUMENT],
    ['MALFORMED', status.INVALID_ARGUMENT],
    ['BODY_TOO_LARGE', status.RESOURCE_EXHAUSTED],
    ['OVERLOADED', status.RESOURCE_EXHAUSTED],
    ['BROKER_UNAVAILABLE', status.UNAVAILABLE],
    ['LEDGER_UNAVAILABLE', status.UNAVAILABLE],
    ['DRAINING', status.UNAVAILABLE],
    ['DEADLINE_EXCEEDED', status.DEADLINE_EXCEEDED],
    ['ALREADY_DELIVERED', status.FAILED_PRECONDITION],
    ['QUEUE_CONFLICT', status.FAILED_PRECONDITION],
    ['SCHEDULED_NOT_FOUND', status.NOT_FOUND],
    ['INTERNAL', status.INTERNAL],
  ])('%s has code %i', (reason, code) => {
    expect(codeOf(reason)).toBe(code);
  });

  test('names reason, field and limit in an ErrorInfo', () => {
    const error = new BusError('TOPIC_INVALID', 'topic is empty', { field: 'messages[3].topic', limit: '1 to 128' });
    const seen = details(error);
    expect(seen.service).toMatchObject({ code: status.INVALID_ARGUMENT, details: 'topic is empty' });
    expect(seen).toMatchObject({
      code: status.INVALID_ARGUMENT,
      message: 'topic is empty',
      type: 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: 'TOPIC_INVALID',
      domain: 'waybill',
      metadata: { field: 'messages[3].topic', limit: '1 to 128' },
    });
    expect(seen.log.errors).toEqual([]);
  });

  test.each([new Error('password=secret'), 'secret', undefined, null, { secret: 1 }])(
    'of a fault of ours tells an id that stands in the log, and nothing else: %s',
    (fault) => {
      const seen = details(fault);
      const id = seen.metadata.log_id;
      expect(seen.service.details).toBe(`internal error ${id}`);
      expect(JSON.stringify([seen.service.details, seen.message, seen.metadata])).not.toContain('secret');
      expect(seen.log.errors).toHaveLength(1);
      expect(seen.log.errors[0]?.fields).toMatchObject({ logId: id });
      expect(seen.reason).toBe('INTERNAL');
    },
  );

  test('discloses an error of the bus as it is', () => {
    const error = new BusError('OVERLOADED', 'too much');
    expect(disclose(error, new Log())).toEqual({ busError: error, logId: undefined });
  });
});
