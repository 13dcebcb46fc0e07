import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { pack } from '../checks/packages.mjs';
import { ROOT } from '../compat/tools.js';
import { tempFolder } from '../support/reaper.js';

const run = promisify(execFile);

export type Format = 'ESM' | 'CommonJS';

/** What a program that loaded a module found. */
export interface Loaded {
  /** The names that the module exports, sorted. */
  readonly names: readonly string[];
  /** The packages that anything was loaded of, sorted. */
  readonly packages: readonly string[];
}

/** The folders of the product's packages, and what each names as its dependencies beside the others of the product. */
const WORKSPACES = { 'sdk-ts': ['@bufbuild/protobuf', '@grpc/grpc-js'], proto: ['@bufbuild/protobuf'] };

/**
 * A folder in which nothing is installed but the product's packages, out of their tarballs, and the packages that they depend on: what a package
 * uses and does not name is not found there.
 */
export class EmptyApplication {
  readonly #folder: string;
  readonly remove: () => void;

  static async create(): Promise<EmptyApplication> {
    const { path, remove } = tempFolder('application');
    const application = new EmptyApplication(path, remove);
    for (const [workspace, dependencies] of Object.entries(WORKSPACES))
      await application.#unpack(workspace, dependencies);
    application.install([...new Set(Object.values(WORKSPACES).flat())]);
    return application;
  }

  private constructor(folder: string, remove: () => void) {
    this.#folder = folder;
    this.remove = remove;
  }

  /** Adds packages as they lie in this checkout. */
  install(names: readonly string[]): void {
    for (const name of names) {
      const target = join(this.#folder, 'node_modules', name);
      if (existsSync(target)) continue;
      mkdirSync(dirname(target), { recursive: true });
      symlinkSync(join(ROOT, 'node_modules', name), target);
    }
  }

  /** Runs a program that loads the module and nothing else. Rejects with what Node said. */
  async load(specifier: string, format: Format): Promise<Loaded> {
    const isEsm = format === 'ESM';
    const file = isEsm ? 'program.mjs' : 'program.cjs';
    const loading = isEsm ? `import * as loaded from '${specifier}'` : `const loaded = require('${specifier}')`;
    writeFileSync(join(this.#folder, file), `${loading};\nconsole.log(JSON.stringify(Object.keys(loaded).sort()));\n`);
    const coverage = tempFolder('coverage');
    try {
      // Of all that Node can tell, only this names the files of both formats.
      const env = { PATH: process.env.PATH, NODE_V8_COVERAGE: coverage.path };
      const { stdout } = await run(process.execPath, [file], { cwd: this.#folder, env });
      return { names: JSON.parse(stdout), packages: packagesIn(coverage.path) };
    } finally {
      coverage.remove();
    }
  }

  async #unpack(workspace: string, dependencies: readonly string[]): Promise<void> {
    const manifest: { name: string; dependencies: Record<string, string> } = JSON.parse(
      readFileSync(join(ROOT, workspace, 'package.json'), 'utf8'),
    );
    const named = Object.keys(manifest.dependencies).filter((name) => !name.startsWith('@waybill/'));
    if (named.join() !== dependencies.join())
      throw new Error(`${workspace} depends on ${named}, not on ${dependencies}`);
    const tarballs = tempFolder('tarballs');
    try {
      await pack(join(ROOT, workspace), tarballs.path);
      const target = join(this.#folder, 'node_modules', manifest.name);
      mkdirSync(target, { recursive: true });
      const [tarball = ''] = readdirSync(tarballs.path);
      await run('tar', ['-xzf', join(tarballs.path, tarball), '-C', target, '--strip-components=1']);
    } finally {
      tarballs.remove();
    }
  }
}

/** The packages of all files in a report of V8. */
function packagesIn(folder: string): string[] {
  const packages = new Set<string>();
  for (const name of readdirSync(folder)) {
    const report: { result: { url: string }[] } = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    for (const { url } of report.result) {
      const inside = url.split('/node_modules/').at(-1);
      if (inside === undefined || inside === url) continue;
      const [scope = '', rest = ''] = inside.split('/');
      packages.add(scope.startsWith('@') ? `${scope}/${rest}` : scope);
    }
  }
  return [...packages].sort();
}
