import { spawn } from 'node:child_process';
import { NotDone, root, StepFailure } from '../../deploy/step.mjs';

const TIMEOUT_MS = 60_000;

/** What the gateway and the SDK depend on has no known weakness that is high or critical. Where nobody can be asked, that is said. */
export async function auditDependencies() {
  return judge(await npmAudit());
}

/**
 * Reads what `npm audit --json` printed. A report that was had is strict; a registry that has none, or that is not reached, is no
 * fault of the dependencies, and no proof of them either.
 */
export function judge({ stdout, timedOut }) {
  const report = parse(stdout);
  if (report?.auditReportVersion === undefined || report.metadata?.vulnerabilities === undefined) {
    return new NotDone(`not audited: ${timedOut ? 'the registry did not answer in time' : reasonOf(report)}`);
  }
  const { high = 0, critical = 0, total = 0 } = report.metadata.vulnerabilities;
  if (high + critical === 0) return total === 0 ? 'nothing known' : `${total} known, none of them high`;
  const names = Object.values(report.vulnerabilities ?? {})
    .filter(({ severity }) => severity === 'high' || severity === 'critical')
    .map(({ name, severity, range }) => `  ${severity}: ${name} ${range}`);
  throw new StepFailure([`${high + critical} dependencies have known weaknesses: see npm audit`, ...names].join('\n'));
}

function reasonOf(report) {
  // The address of a registry may hold a password.
  if (Number.isInteger(report?.statusCode)) return `the registry answers ${report.statusCode} to an audit`;
  return 'the registry could not be asked';
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function npmAudit() {
  return new Promise((resolve) => {
    const args = ['audit', '--omit=dev', '--audit-level=high', '--json'];
    const child = spawn('npm', args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'ignore'],
      shell: process.platform === 'win32',
    });
    let stdout = '';
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill();
    }, TIMEOUT_MS);
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    const end = () => {
      clearTimeout(timer);
      resolve({ stdout, timedOut });
    };
    child.on('error', end);
    child.on('close', end);
  });
}
