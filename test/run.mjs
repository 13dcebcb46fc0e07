/**
 * `npm test`: prepares the checkout, runs the static checks, then the tests. With arguments (they go to vitest) only
 * the chosen tests run. Ends with the line `N passed, N failed`, in which each static check counts as one.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { bootstrap, installed } from '../deploy/bootstrap.mjs';
import { main, root, StepFailure } from '../deploy/step.mjs';
import { runChecks } from './checks/check.mjs';

await main(async () => {
  const chosen = process.argv.slice(2);
  // The type check builds too. A build that fails is one failed check, and does not hide the tests.
  const checks = chosen.length > 0 ? await onlyBuild() : await installed().then(runChecks);
  const tests = await runTests(chosen);
  if (tests.passed + tests.failed === 0) console.error('No test ran.');
  console.log(`${checks.passed + tests.passed} passed, ${checks.failed + tests.failed} failed`);
  const green = tests.code === 0 && tests.passed > 0 && checks.failed + tests.failed === 0;
  process.exit(green ? 0 : 1);
});

async function onlyBuild() {
  await bootstrap().catch((error) => {
    if (!(error instanceof StepFailure)) throw error;
    console.error(`${error.message}\n`);
  });
  return { passed: 0, failed: 0 };
}

async function runTests(args) {
  const vitest = spawn(process.execPath, [`${root}node_modules/vitest/vitest.mjs`, 'run', ...args], {
    cwd: root,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  const counts = { passed: 0, failed: 0 };
  vitest.on('message', (message) => Object.assign(counts, message));
  // A Ctrl-C in a terminal reaches vitest by itself, and a second one would cut its clean-up short.
  process.on('SIGINT', () => process.stdin.isTTY || vitest.kill('SIGINT'));
  process.on('SIGTERM', () => vitest.kill('SIGTERM'));
  const [code] = await once(vitest, 'close');
  // It ended red without a red test: the services did not start, or it crashed.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return { ...counts, code };
}
