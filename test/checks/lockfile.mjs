import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, StepFailure } from '../../deploy/step.mjs';

/** package-lock.json must serve every platform: `npm ci` refuses one that lacks the packages of another platform. */
export async function lockServesAll() {
  const missing = missingOptional(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));
  if (missing.length === 0) return;
  throw new StepFailure(
    'package-lock.json lacks optional packages, so `npm ci` fails on a fresh checkout. npm leaves out what it could not\n' +
      'load or did not install: remove node_modules and package-lock.json, and run `npm install` with a full registry.\n' +
      missing.map((name) => `  ${name}`).join('\n'),
  );
}

/** The optional packages that some package of the lock file asks for and the lock file does not hold. */
export function missingOptional({ packages }) {
  const missing = new Set();
  for (const [path, { optionalDependencies = {} }] of Object.entries(packages)) {
    for (const [name, range] of Object.entries(optionalDependencies)) {
      if (!isHeld(packages, path, name)) missing.add(`${name}@${range}`);
    }
  }
  return [...missing].sort();
}

/** Looks where Node looks: in the package's own node_modules, then in those above it. */
function isHeld(packages, path, name) {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    if (packages[folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`]) return true;
    if (folder === '') return false;
  }
}
