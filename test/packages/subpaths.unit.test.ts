import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EmptyApplication, type Format } from './empty-application.js';

const NEST = ['@nestjs/common', '@nestjs/core', '@nestjs/microservices', 'reflect-metadata', 'rxjs'];

/** What each entry of `@waybill/sdk` may load of the packages that somebody could do without. */
const ENTRIES: readonly {
  entry: string;
  needs?: readonly string[];
  loads: readonly string[];
  names: readonly string[];
}[] = [
  {
    entry: '@waybill/sdk',
    loads: ['@bufbuild/protobuf', '@grpc/grpc-js', '@waybill/proto'],
    names: ['connect', 'ReplyError'],
  },
  { entry: '@waybill/sdk/otel', needs: ['@opentelemetry/api'], loads: ['@opentelemetry/api'], names: ['instrument'] },
  {
    entry: '@waybill/sdk/transport',
    loads: ['@bufbuild/protobuf', '@grpc/grpc-js', '@waybill/proto'],
    names: ['busOver'],
  },
  { entry: '@waybill/sdk/local', loads: [], names: ['localBus'] },
  { entry: '@waybill/sdk/testing', loads: [], names: ['testBus'] },
  { entry: '@waybill/sdk/outbox', loads: [], names: ['createOutbox', 'createRelay'] },
  {
    entry: '@waybill/sdk/nestjs',
    needs: NEST,
    loads: [
      '@bufbuild/protobuf',
      '@grpc/grpc-js',
      '@waybill/proto',
      '@nestjs/common',
      '@nestjs/core',
      '@nestjs/microservices',
      'rxjs',
    ],
    names: ['WaybillModule', 'WaybillServer'],
  },
];
const LOOKED_AT = [...new Set(ENTRIES.flatMap(({ loads }) => loads))];

const formats: Format[] = ['ESM', 'CommonJS'];

describe('in a folder with nothing else', () => {
  let application: EmptyApplication;

  beforeAll(async () => {
    application = await EmptyApplication.create();
  });

  afterAll(() => application?.remove());

  test('an entry whose optional packages are not installed says which one is missing', async () => {
    const loading = application.load('@waybill/sdk/nestjs', 'ESM');
    await expect(loading).rejects.toThrow(/Cannot find package '(@nestjs\/\w+|rxjs)'/);
  });

  describe.each(ENTRIES)('$entry', ({ entry, needs = [], loads, names }) => {
    beforeAll(() => application.install(needs));

    test.each(formats)('loads what it needs and nothing else, as %s', async (format) => {
      const loaded = await application.load(entry, format);
      expect(loaded.names).toEqual(expect.arrayContaining([...names]));
      expect(loaded.packages).toContain('@waybill/sdk');
      expect(loaded.packages.filter((name) => LOOKED_AT.includes(name))).toEqual([...loads].sort());
    });

    test('exports the same names as ESM and as CommonJS', async () => {
      const [esm, cjs] = await Promise.all(formats.map((format) => application.load(entry, format)));
      expect(cjs?.names.filter((name) => name !== '__esModule')).toEqual(esm?.names);
    });
  });
});
