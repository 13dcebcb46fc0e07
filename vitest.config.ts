/**
 * Two projects, told apart by where a test lies:
 *
 *   unit      beside the source (`admin/src`, `server/src`, `sdk-ts/src`, `deploy`, `test/checks`), or `*.unit.test.ts` under test/.
 *             Needs nothing but Node; nothing is started.
 *   services  every other test under test/, and `*.services.test.ts` anywhere.
 *             RabbitMQ, MySQL and Redis are started (or found) once, and only when a chosen test is in here:
 *             see test/support/services/choose.ts.
 *
 * `npm test -- <part of a path>` runs some files, `npm test -- --project unit` the first kind only.
 */
import { configDefaults, defineConfig } from 'vitest/config';

const SOURCE_TESTS = ['admin/src/**/*.test.ts', 'server/src/**/*.test.ts', 'sdk-ts/src/**/*.test.ts'];
const SCRIPT_TESTS = ['deploy/**/*.test.mjs', 'test/checks/**/*.test.mjs'];
const MARKED_UNIT = 'test/**/*.unit.test.ts';
const MARKED_SERVICES = '**/*.services.test.ts';

const shared = {
  // A process a file: what a file starts or leaks ends with it.
  pool: 'forks' as const,
  setupFiles: ['./test/support/file-process.ts'],
  // The machines that this runs on have few cores, and the services and gateways need theirs.
  maxWorkers: 2,
  testTimeout: 60_000,
  hookTimeout: 120_000,
  teardownTimeout: 60_000,
};

export default defineConfig({
  test: {
    reporters: ['default', './test/support/counting-reporter.ts'],
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: [...SOURCE_TESTS, ...SCRIPT_TESTS, MARKED_UNIT],
          exclude: [...configDefaults.exclude, MARKED_SERVICES],
        },
      },
      {
        test: {
          ...shared,
          name: 'services',
          include: ['test/**/*.test.ts', 'server/src/**/*.services.test.ts', 'sdk-ts/src/**/*.services.test.ts'],
          exclude: [...configDefaults.exclude, MARKED_UNIT],
          globalSetup: ['./test/support/services/global-setup.ts'],
        },
      },
    ],
  },
});
