import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quietly, root, StepFailure, tool } from '../../deploy/step.mjs';

const proto = join(root, 'proto');

export async function lintProto() {
  await buf(['lint']);
}

/** The generated code in the tree must be what the proto files give today. */
export async function generatedUnchanged() {
  await inTempFolder(async (folder) => {
    await buf(['generate', '-o', folder]);
    const differing = differences(join(proto, 'gen'), join(folder, 'gen'));
    if (differing.length === 0) return;
    throw new StepFailure(
      `The generated code is not what proto/ gives: run \`npm run generate\` and commit the result.\n` +
        differing.map((path) => `  proto/gen/${path}`).join('\n'),
    );
  });
}

/** Compares with the newest commit of main; what no history can tell is said, and passes. */
export async function wireUnbroken() {
  const base = await baseCommit();
  if (!base) return 'skipped: no git history of main with proto/ to compare with';
  await inTempFolder(async (folder) => {
    const archive = join(folder, 'base.tar');
    await quietly('git', ['archive', '--format=tar', '--output', archive, `${base}:proto`]);
    await buf(['breaking', '--against', archive]);
  });
  return `against ${base.slice(0, 12)}`;
}

async function baseCommit() {
  for (const branch of ['main', 'origin/main']) {
    try {
      return (await quietly('git', ['rev-parse', '--verify', '--quiet', `${branch}^{commit}`])).trim();
    } catch {
      // No git, no repository or no such branch: the next one may exist.
    }
  }
  return undefined;
}

async function buf(args) {
  await tool('@bufbuild/buf/bin/buf', args, { cwd: proto });
}

export function differences(left, right) {
  const paths = new Set([...filesOf(left), ...filesOf(right)]);
  return [...paths].sort().filter((path) => read(join(left, path)) !== read(join(right, path)));
}

function filesOf(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1));
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

async function inTempFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-proto-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
