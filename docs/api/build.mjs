/**
 * `npm run docs`: the pages of the TypeScript API, in docs/api/dist. Every entry of the package is in them, and every warning is an error.
 * With `--check` nothing is written.
 *
 * TypeDoc needs the JavaScript interface of the compiler, which TypeScript 7 does not have: this folder has a TypeScript 6 for it alone.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Application } from 'typedoc';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const { exports } = JSON.parse(readFileSync(path('../../sdk-ts/package.json'), 'utf8'));

const application = await Application.bootstrap({
  name: '@waybill/sdk',
  entryPoints: Object.values(exports).flatMap((entry) => (entry.import ? [sourceOf(entry.import.default)] : [])),
  tsconfig: path('../../sdk-ts/tsconfig.json'),
  readme: path('../../sdk-ts/README.md'),
  disableGit: true,
  disableSources: true,
  treatWarningsAsErrors: true,
  validation: { notExported: true, invalidLink: true },
  intentionallyNotExported: [
    // What the outbox takes for a transaction: what it needs of each library's own types, which are documented there.
    ...['Mysql2', 'Mysql2Callback', 'Pg', 'Sqlite', 'Knex', 'Kysely', 'Drizzle', 'Prisma', 'TypeOrm'],
    // How the compiler matches topics with patterns.
    ...['Matches', 'Words'],
  ],
  excludePrivate: true,
  excludeInternal: true,
  excludeExternals: true,
});

const project = await application.convert();
if (project) {
  application.validate(project);
  if (!process.argv.includes('--check')) await application.generateDocs(project, path('dist'));
}
process.exit(project && !application.logger.hasErrors() && !application.logger.hasWarnings() ? 0 : 1);

/** `./dist/outbox/index.js` comes from `sdk-ts/src/outbox/index.ts`. */
function sourceOf(built) {
  return path(`../../sdk-ts/${built.replace('dist/', 'src/').replace(/\.js$/, '.ts')}`);
}
