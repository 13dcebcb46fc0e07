import { execFile } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withLock } from '../../../deploy/lock.mjs';
import { drop, keep } from '../reaper.js';
import { type Machine, thisMachine } from './machine.js';

const run = promisify(execFile);

/** Packages are missing and this process cannot install them; the message says which, why, and what to type. */
export class PackagesMissing extends Error {}

/**
 * Makes sure that Debian packages are installed; installs those that are not, as root, without starting their services.
 * Everywhere else the packages must be there already.
 */
export async function ensureDebianPackages(packages: readonly string[], machine: Machine = thisMachine): Promise<void> {
  const missing = await missingPackages(packages, machine);
  if (missing.length === 0) return;
  const command = `apt-get install --no-install-recommends ${missing.join(' ')}`;
  if (!machine.isDebian) {
    throw new PackagesMissing(`This test needs what Debian calls ${missing.join(', ')}; there is no apt-get here.`);
  }
  if (!machine.isRoot) {
    throw new PackagesMissing(`Packages are missing, and only root can install them. Run: sudo ${command}`);
  }
  console.error(`  installing ${missing.join(' ')}`);
  try {
    await withLock(join(tmpdir(), 'waybill-test-apt.lock'), () => withoutServiceStarts(() => install(missing)));
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new PackagesMissing(`Packages are missing, and they could not be installed (${command}):\n${said}`, {
      cause,
    });
  }
}

async function missingPackages(packages: readonly string[], machine: Machine): Promise<string[]> {
  if (!machine.isDebian) return [...packages];
  const missing: string[] = [];
  for (const name of packages) {
    const installed = await run('dpkg-query', ['--status', name]).then(
      ({ stdout }) => stdout.includes('\nStatus: install ok installed\n'),
      () => false,
    );
    if (!installed) missing.push(name);
  }
  return missing;
}

async function install(packages: readonly string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options = { env, maxBuffer: 64 << 20, timeout: 600_000 };
  const wait = ['-o', 'DPkg::Lock::Timeout=300'];
  await run('apt-get', [...wait, '-q', 'update'], options);
  await run('apt-get', [...wait, '-q', '-y', '--no-install-recommends', 'install', ...packages], options);
}

/** Debian's packages start their service unless policy-rc.d says 101, "not allowed". A policy that exists stays as it is. */
async function withoutServiceStarts(work: () => Promise<void>): Promise<void> {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return work();
  keep({ folder: policy });
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await work();
  } finally {
    rmSync(policy);
    drop({ folder: policy });
  }
}
