import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { UnrecoverableError } from '../consumer/handler-errors.js';
import { InvalidArgumentError } from '../errors.js';
import type { Codec } from './codec.js';

/** A message of `@bufbuild/protobuf`, in its binary form. A message or its initial values are published: `orders.publish({ number: 7 })`. */
export function protobuf<Desc extends DescMessage>(schema: Desc): Codec<MessageInitShape<Desc>, MessageShape<Desc>> {
  return {
    contentType: 'application/protobuf',
    encode(value) {
      try {
        return toBinary(schema, create(schema, value));
      } catch (cause) {
        throw unfit(schema, cause);
      }
    },
    decode(body) {
      try {
        return fromBinary(schema, body);
      } catch (cause) {
        throw new UnrecoverableError(`invalid payload: it is no ${schema.typeName}: ${reasonOf(cause)}`, { cause });
      }
    },
  };
}

function unfit(schema: DescMessage, cause: unknown): InvalidArgumentError {
  return new InvalidArgumentError(`value is no ${schema.typeName}: ${reasonOf(cause)}`, {
    code: 'INVALID_ARGUMENT',
    reason: 'BODY_INVALID',
    field: 'value',
    limit: schema.typeName,
    cause,
  });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
