/** What would be published must load for everybody: as ESM and as CommonJS, with types that say what is there. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quietly, root, StepFailure, tool } from '../../deploy/step.mjs';

const PACKAGES = ['proto', 'sdk-ts'];

/** Packs each package as `npm publish` would, from what is built, and has publint and attw look at it. */
export async function packagesLoad() {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-check-packages-'));
  try {
    await Promise.all(PACKAGES.map((name) => pack(join(root, name), folder)));
    const tarballs = readdirSync(folder).map((name) => join(folder, name));
    if (tarballs.length !== PACKAGES.length) throw new StepFailure(`npm pack made ${tarballs.join(', ') || 'nothing'}`);
    await Promise.all(tarballs.flatMap((tarball) => [linted(tarball), typed(tarball)]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Writes the package's tarball into the folder. */
export async function pack(packageFolder, folder) {
  await quietly('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], { cwd: packageFolder });
}

async function linted(tarball) {
  await tool('publint/src/cli.js', [tarball, '--strict']);
}

/** Resolution of before Node 12 (`node10`) knows no subpaths; every supported Node and bundler does. */
async function typed(tarball) {
  await tool('@arethetypeswrong/cli/dist/index.js', [tarball, '--profile', 'node16', '--no-color', '--no-emoji']);
}
