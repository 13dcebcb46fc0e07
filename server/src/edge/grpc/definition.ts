import {
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import type { BusError } from '../../model/errors.js';
import { malformed } from '../../model/wire.js';

/** How a method's messages are read and written, where the generic way is not the one. */
export interface Codec<Response> {
  readonly read?: (bytes: Buffer) => unknown;
  readonly write?: (response: Response) => Buffer;
}

/** A method as grpc-js wants it, from its protobuf description. A request that cannot be read reaches its handler as a BusError. */
export function method<Response = unknown>(
  desc: DescMethod,
  codec: Codec<Response> = {},
): MethodDefinition<unknown, Response> {
  return {
    path: `/${desc.parent.typeName}/${desc.name}`,
    originalName: desc.localName,
    requestStream: desc.methodKind === 'client_streaming' || desc.methodKind === 'bidi_streaming',
    responseStream: desc.methodKind === 'server_streaming' || desc.methodKind === 'bidi_streaming',
    requestSerialize: writer(desc.input),
    requestDeserialize: codec.read ?? reader(desc.input),
    responseSerialize: codec.write ?? writer(desc.output),
    responseDeserialize: (bytes: Buffer): never => fromBinary(desc.output, bytes) as never,
  };
}

/** Refuses a service whose table of methods misses one, so that a method added to the contract cannot be forgotten here. */
export function complete(service: DescService, methods: ServiceDefinition): ServiceDefinition {
  const missing = service.methods.filter(({ localName }) => methods[localName] === undefined);
  if (missing.length > 0) throw new Error(`${service.typeName} has no ${missing.map(({ name }) => name).join(', ')}`);
  return methods;
}

/** Bytes that are no message become the error that the handler answers: a reader that throws ends the call with a status that is not ours. */
function reader(desc: DescMessage) {
  return (bytes: Buffer): MessageShape<DescMessage> | BusError => {
    try {
      return fromBinary(desc, bytes);
    } catch (error) {
      return malformed(error instanceof Error ? error.message : String(error));
    }
  };
}

function writer(desc: DescMessage) {
  return (value: unknown): Buffer => {
    const bytes = toBinary(desc, value as MessageShape<DescMessage>);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}
