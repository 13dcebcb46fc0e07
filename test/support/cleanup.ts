import { onTestFinished, TestRunner } from 'vitest';

/**
 * Runs the work when the current test ends, and tells it whether the test failed. In a `beforeAll` there is no current
 * test: there the caller cleans up in `afterAll`, and the reaper ends what a crash leaves.
 */
export function atTestEnd(work: (failed: boolean) => Promise<void>): void {
  if (TestRunner.getCurrentTest()) onTestFinished(({ task }) => work(task.result?.state === 'fail'));
}
