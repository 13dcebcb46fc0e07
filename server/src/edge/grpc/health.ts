import { create, createFileRegistry, type DescService, fromBinary } from '@bufbuild/protobuf';
import { type DescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { service } from 'grpc-health-check';

/** `grpc.health.v1.Health`, described by the file that its implementation brings along. */
export const HealthDesc: DescService = describe();

function describe(): DescService {
  const [bytes = Buffer.alloc(0)] = service.Check?.requestType.fileDescriptorProtos ?? [];
  const file = fromBinary(FileDescriptorProtoSchema, bytes);
  const types = new Map(file.messageType.flatMap((message) => typesIn(message, `.${file.package}`)));
  for (const message of file.messageType) complete(message, types);
  const desc = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] })).getService(
    'grpc.health.v1.Health',
  );
  if (desc === undefined) throw new Error('grpc-health-check brings no description of its service');
  return desc;
}

/** Short names of types, as that file has them, with the full ones that a registry takes. */
function typesIn({ name, nestedType, enumType }: DescriptorProto, scope: string): [string, string][] {
  const full = `${scope}.${name}`;
  const enums = enumType.map((type): [string, string] => [type.name, `${full}.${type.name}`]);
  return [[name, full], ...enums, ...nestedType.flatMap((message) => typesIn(message, full))];
}

/** The file leaves to its reader what a compiler fills in. */
function complete({ field, nestedType }: DescriptorProto, types: ReadonlyMap<string, string>): void {
  for (const each of field) {
    each.typeName = types.get(each.typeName) ?? each.typeName;
    each.jsonName = each.name;
  }
  for (const message of nestedType) complete(message, types);
}
