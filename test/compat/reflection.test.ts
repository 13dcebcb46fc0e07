import { createRequire } from 'node:module';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GatewayGroup, gatewayGroup } from '../support/gateway.js';
import { genericClient } from './generic-client.js';

/** What tools such as grpcurl ask, by the published proto of reflection and a generic client. */
const proto = (version: string) => {
  const entry = createRequire(import.meta.url).resolve('@grpc/reflection');
  return entry.replace(/build.*/, `build/proto/grpc/reflection/${version}/reflection.proto`);
};

interface Answer {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Uint8Array[] };
  readonly errorResponse?: { readonly errorCode: number };
}

let group: GatewayGroup;
let url: string;

beforeAll(async () => {
  group = await gatewayGroup('embedded');
  url = (await group.start()).rpcUrl;
});

afterAll(() => group?.remove());

describe.each(['v1', 'v1alpha'])('reflection %s', (version) => {
  let client: ReturnType<typeof genericClient>;
  let ask: (question: object) => Promise<Answer>;

  beforeAll(() => {
    client = genericClient(proto(version), `grpc.reflection.${version}.ServerReflection`, url);
    ask = (question) =>
      new Promise((resolve, reject) => {
        const call: ClientDuplexStream<object, Answer> = client.ServerReflectionInfo?.();
        call.on('error', reject);
        call.on('data', (answer: Answer) => {
          resolve(answer);
          call.end();
        });
        call.write(question);
      });
  });

  afterAll(() => client?.close());

  test('lists the services', async () => {
    const { listServicesResponse } = await ask({ listServices: '' });
    expect(listServicesResponse?.service.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['waybill.v1.Bus', 'grpc.health.v1.Health']),
    );
  });

  test.each([
    ['waybill.v1.Bus', 'waybill.v1'],
    ['waybill.v1.Bus.Publish', 'waybill.v1'],
    ['waybill.v1.Message', 'waybill.v1'],
    ['grpc.health.v1.Health', 'grpc.health.v1'],
  ])('tells the file of %s', async (symbol, scope) => {
    const { fileDescriptorResponse } = await ask({ fileContainingSymbol: symbol });
    const files = fileDescriptorResponse?.fileDescriptorProto.map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    );
    expect(files?.map((file) => file.package)).toContain(scope);
  });

  test('tells a file by its name, with its methods', async () => {
    const { fileDescriptorResponse } = await ask({ fileByFilename: 'waybill/v1/bus.proto' });
    const [bytes = new Uint8Array()] = fileDescriptorResponse?.fileDescriptorProto ?? [];
    const { service, dependency } = fromBinary(FileDescriptorProtoSchema, bytes);
    expect(service[0]?.method.map(({ name }) => name)).toContain('PublishStream');
    expect(dependency).toEqual(['waybill/v1/message.proto']);
  });

  test('knows what it does not know', async () => {
    const { errorResponse } = await ask({ fileContainingSymbol: 'waybill.v1.Nothing' });
    expect(errorResponse?.errorCode).toBe(5);
  });
});
