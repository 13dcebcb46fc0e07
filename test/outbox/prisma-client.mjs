import { PrismaMariaDb } from '@prisma/adapter-mariadb';
import { getPrismaClient } from '@prisma/client/runtime/client';

/**
 * A client as `prisma generate` writes it for a schema without models. It is written out here because the generator comes with
 * packages that run install scripts and fetch programs.
 */
const PrismaClient = getPrismaClient({
  previewFeatures: [],
  clientVersion: '7.10.0',
  engineVersion: '0edf323efd1d98336f3f0a68684b56f689b900d3',
  activeProvider: 'mysql',
  inlineSchema: 'datasource db {\n  provider = "mysql"\n}\n',
  runtimeDataModel: { models: {}, enums: {}, types: {} },
  parameterizationSchema: { strings: [], graph: 'AAAA' },
  compilerWasm: {
    getRuntime: () => import('@prisma/client/runtime/query_compiler_fast_bg.mysql.mjs'),
    getQueryCompilerWasmModule: async () => {
      const { wasm } = await import('@prisma/client/runtime/query_compiler_fast_bg.mysql.wasm-base64.mjs');
      return new WebAssembly.Module(Buffer.from(wasm, 'base64'));
    },
    importName: './query_compiler_fast_bg.js',
  },
});

export function prismaClient(databaseUrl) {
  return new PrismaClient({ adapter: new PrismaMariaDb(databaseUrl.replace(/^mysql:/, 'mariadb:')) });
}
