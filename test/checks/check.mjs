/** `npm run check`: everything that can be checked without running the product. */
import { pathToFileURL } from 'node:url';
import { build, buildUi, installed } from '../../deploy/bootstrap.mjs';
import { main, quietly, StepFailure, step, tool } from '../../deploy/step.mjs';
import { auditDependencies } from './audit.mjs';
import { importRules } from './imports.mjs';
import { lockServesAll } from './lockfile.mjs';
import { packagesLoad } from './packages.mjs';
import { generatedUnchanged, lintProto, wireUnbroken } from './proto.mjs';

const CHECKS = [
  ['lock file', lockServesAll],
  ['proto lint', lintProto],
  ['generated', generatedUnchanged],
  ['wire breaks', wireUnbroken],
  ['style', () => tool('@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '.']).then(() => '')],
  ['types', () => build()],
  ['web UI', () => buildUi()],
  ['config files', () => quietly(process.execPath, ['server/dist/config/generate.js', '--check']).then(() => '')],
  ['imports', importRules],
  ['packages', packagesLoad],
  ['api docs', () => quietly(process.execPath, ['docs/api/build.mjs', '--check']).then(() => '')],
  ['audit', auditDependencies],
];

/** Runs every check, also after one failed, and prints what failed. */
export async function runChecks() {
  const counts = { passed: 0, failed: 0 };
  for (const [name, check] of CHECKS) {
    try {
      if (await step(name, check)) counts.passed++;
    } catch (error) {
      if (!(error instanceof StepFailure)) throw error;
      console.error(`${error.message}\n`);
      counts.failed++;
    }
  }
  return counts;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main(async () => {
    await installed();
    const { failed } = await runChecks();
    if (failed > 0) throw new StepFailure(`${failed} of ${CHECKS.length} checks failed.`);
  });
}
