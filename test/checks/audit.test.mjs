import { describe, expect, test } from 'vitest';
import { NotDone, StepFailure } from '../../deploy/step.mjs';
import { judge } from './audit.mjs';

const report = (vulnerabilities, packages = {}) => ({
  stdout: JSON.stringify({ auditReportVersion: 2, vulnerabilities: packages, metadata: { vulnerabilities } }),
  timedOut: false,
});

describe('an audit', () => {
  test('passes when nothing is known, or nothing that is high', () => {
    expect(judge(report({ high: 0, critical: 0, total: 0 }))).toBe('nothing known');
    expect(judge(report({ high: 0, critical: 0, moderate: 2, total: 2 }))).toBe('2 known, none of them high');
  });

  test('fails when a dependency has a weakness that is high, and names it', () => {
    const packages = {
      a: { name: 'a', severity: 'critical', range: '<2' },
      b: { name: 'b', severity: 'low', range: '*' },
    };
    const judging = () => judge(report({ high: 0, critical: 1, total: 2 }, packages));
    expect(judging).toThrow(StepFailure);
    expect(judging).toThrow(/1 dependencies .*\n {2}critical: a <2$/);
  });

  test.each([
    [
      'a registry that has no audits',
      { statusCode: 405, uri: 'https://user:password@registry.example/' },
      /answers 405/,
    ],
    ['a registry that is not reached', { message: 'getaddrinfo ENOTFOUND' }, /could not be asked/],
    ['a report without figures', { auditReportVersion: 2 }, /could not be asked/],
  ])('by %s is not done, and says so', (_, printed, words) => {
    const judged = judge({ stdout: JSON.stringify(printed), timedOut: false });
    expect(judged).toBeInstanceOf(NotDone);
    expect(judged.reason).toMatch(words);
    expect(judged.reason).not.toContain('password');
  });

  test('that takes too long, or prints nonsense, is not done', () => {
    expect(judge({ stdout: '', timedOut: true }).reason).toContain('in time');
    expect(judge({ stdout: '<html>', timedOut: false })).toBeInstanceOf(NotDone);
  });
});
