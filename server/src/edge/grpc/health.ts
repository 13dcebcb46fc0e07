import { create, createFileRegistry, type DescService, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { service } from 'grpc-health-check';

/** `grpc.health.v1.Health`, described by the files that its implementation brings along. */
export const HealthDesc: DescService = describe();

function describe(): DescService {
  const files = Object.values(service).flatMap(({ requestType }) => requestType.fileDescriptorProtos);
  const unique = new Map(
    files.map((bytes) => [bytes.toString('base64'), fromBinary(FileDescriptorProtoSchema, bytes)]),
  );
  const set = create(FileDescriptorSetSchema, { file: [...unique.values()] });
  const desc = createFileRegistry(set).getService('grpc.health.v1.Health');
  if (desc === undefined) throw new Error('grpc-health-check brings no description of its service');
  return desc;
}
