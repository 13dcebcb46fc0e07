import { type DescFile, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { service as health } from 'grpc-health-check';

/** Server reflection for these files and the health service, so that tools such as grpcurl need no proto files. */
export function addReflection(server: Server, files: readonly DescFile[]): void {
  const ours = [...withImports(files)].map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)));
  const others = Object.values(health).flatMap(({ requestType }) => requestType.fileDescriptorProtos);
  new ReflectionService({
    waybill: { format: 'Protocol Buffer 3 DescriptorProto', type: {}, fileDescriptorProtos: [...ours, ...others] },
  }).addToServer(server);
}

function* withImports(files: readonly DescFile[]): Generator<DescFile> {
  for (const file of files) {
    yield* withImports(file.dependencies);
    yield file;
  }
}
