/**
 * Makes a checkout ready to run: checks Node, installs what package-lock.json names, and builds.
 * Does only what is missing, so calling it again costs a fraction of a second; two callers at once take turns.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { withLock } from './lock.mjs';
import { main, quietly, root, StepFailure, step, tool } from './step.mjs';

const PRODUCT = ['proto', 'sdk-ts', 'server'];
/** What a project is compiled to, and by which record. */
const OUTPUTS = { dist: 'tsconfig.tsbuildinfo', cjs: 'tsconfig.cjs.tsbuildinfo' };
const UI_SOURCES = [
  'admin/index.html',
  'admin/vite.config.ts',
  'admin/public',
  'admin/src',
  'proto/gen',
  'package-lock.json',
];
const OLDEST_NODE = 20;

/** Everything that `npm start` needs. */
export async function bootstrap() {
  await installed();
  await step('build', () => build(PRODUCT));
  await step('web UI', buildUi);
}

/** A Node that is new enough, and the packages that package-lock.json names. */
export async function installed() {
  checkNode(process.versions.node);
  await alone(async () => {
    if (!isInstalled(root)) await step('install', install);
  });
}

/** Compiles the named projects and what they refer to; all of them when none is named. */
export async function build(projects = []) {
  await alone(async () => {
    forgetLostBuilds();
    await tool('typescript/bin/tsc', ['-b', ...projects]);
  });
}

/** Bundles the web UI, which `admin/dist` holds for the gateway to serve, when anything that it is made of changed. */
export async function buildUi() {
  const stamp = join(root, 'node_modules/.cache/web-ui.stamp');
  await alone(async () => {
    const made = sha256(UI_SOURCES.flatMap((path) => contentsOf(join(root, path))).join('\0'));
    const built = existsSync(join(root, 'admin/dist/index.html')) && existsSync(stamp);
    if (built && readFileSync(stamp, 'utf8') === made) return;
    await tool('vite/bin/vite.js', ['build', '--logLevel', 'warn'], { cwd: join(root, 'admin') });
    mkdirSync(dirname(stamp), { recursive: true });
    writeFileSync(stamp, made);
  });
}

/** The name and the text of a file, or of every file in a folder. */
function contentsOf(path) {
  if (!statSync(path).isDirectory()) return [path, readFileSync(path, 'latin1')];
  return readdirSync(path)
    .sort()
    .flatMap((name) => contentsOf(join(path, name)));
}

/** One process at a time in this checkout. The lock is in the temp folder: `npm ci` removes node_modules. */
async function alone(work) {
  const path = join(tmpdir(), `waybill-bootstrap-${sha256(realpathSync(root)).slice(0, 16)}.lock`);
  const onWait = (pid) => console.error(`  waiting for process ${pid}, which prepares this checkout (${path})`);
  await withLock(path, work, { onWait });
}

export function checkNode(version) {
  if (Number.parseInt(version, 10) >= OLDEST_NODE) return;
  throw new StepFailure(
    `Waybill needs Node ${OLDEST_NODE} or newer; this is Node ${version} (${process.execPath}).\n` +
      'Install a current one from https://nodejs.org, or with a version manager: nvm install 22',
  );
}

/**
 * Whether node_modules holds what package-lock.json names: the stamp says so after our own install,
 * npm's record of what it placed says so after anybody's.
 */
export function isInstalled(folder) {
  const modules = join(folder, 'node_modules');
  const lockText = readFileSync(join(folder, 'package-lock.json'), 'utf8');
  const stamp = join(modules, '.bootstrap-stamp');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === stampOf(lockText)) return true;
  const placed = join(modules, '.package-lock.json');
  if (!existsSync(placed) || !holdsAll(JSON.parse(lockText), JSON.parse(readFileSync(placed, 'utf8')))) return false;
  writeFileSync(stamp, stampOf(lockText));
  return true;
}

/** Optional packages may be absent: most of them are builds for other platforms. */
export function holdsAll(lock, placed) {
  return Object.entries(lock.packages).every(([path, wanted]) => {
    if (!path.includes('node_modules/')) return true;
    const found = placed.packages[path];
    if (!found) return wanted.optional === true || wanted.devOptional === true || wanted.peer === true;
    return found.version === wanted.version && found.integrity === wanted.integrity;
  });
}

async function install() {
  // Under `npm start` this names the npm that runs us, which need not be the one on the PATH.
  const npm = process.env.npm_execpath ?? '';
  const args = ['ci', '--no-audit', '--no-fund'];
  if (npm.endsWith('npm-cli.js')) await quietly(process.execPath, [npm, ...args]);
  else await quietly('npm', args);
  const lockText = readFileSync(join(root, 'package-lock.json'), 'utf8');
  writeFileSync(join(root, 'node_modules', '.bootstrap-stamp'), stampOf(lockText));
}

/** tsc trusts its build record even when the output is gone, so the record goes with it. */
function forgetLostBuilds() {
  for (const project of PRODUCT) {
    for (const [folder, record] of Object.entries(OUTPUTS)) {
      if (!holdsOutput(join(root, project, folder))) rmSync(join(root, project, record), { force: true });
    }
  }
}

/** `cjs` comes with every checkout, and with nothing in it but a package.json that says what its files are. */
function holdsOutput(folder) {
  return existsSync(folder) && readdirSync(folder).some((name) => name !== 'package.json');
}

function stampOf(lockText) {
  return `${process.platform}-${process.arch} ${sha256(lockText)}\n`;
}

function sha256(text) {
  return createHash('sha256').update(text).digest('hex');
}

if (process.argv[1] && realpathSync(process.argv[1]) === realpathSync(new URL(import.meta.url))) {
  await main(bootstrap);
}
