import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { load } from '../../server/src/config/load.js';
import { isKey } from '../../server/src/config/schema.js';
import { execForm, parseStages } from './dockerfile.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string) => readFileSync(`${ROOT}${path}`, 'utf8');

const stages = parseStages(read('Dockerfile'));
const image = stages.at(-1) ?? [];
const all = stages.flat();

function texts(name: string, of = image): string[] {
  return of.filter((instruction) => instruction.name === name).map(({ text }) => text);
}

/** What a path with `*` in it matches. */
function globSync(path: string, root: string): string[] {
  let found = [''];
  for (const part of path.split('/')) {
    const pattern = new RegExp(`^${part.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
    found = found.flatMap((folder) =>
      (existsSync(`${root}${folder}`) ? readdirSync(`${root}${folder}`) : [])
        .filter((name) => pattern.test(name))
        .map((name) => (folder === '' ? name : `${folder}/${name}`)),
    );
  }
  return found;
}

/** The source below server/src of a compiled program. */
function sourceOf(program: string): string {
  return program.replace('server/dist/', 'server/src/').replace(/\.js$/, '.ts');
}

const environment = new Map(
  texts('ENV')
    .flatMap((text) => text.split(/\s+/))
    .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const),
);
const settings = Object.fromEntries([...environment].filter(([name]) => isKey(name)));

describe('the image', () => {
  it('is built in a stage that it does not keep', () => {
    expect(stages).toHaveLength(2);
    expect(texts('RUN')).toEqual([]);
  });

  it('starts from images of Debian that are pinned to a tag', () => {
    const bases = texts('FROM', all).map((text) => text.split(' ')[0]);
    for (const base of bases) expect(base).toMatch(/^node:22[\d.]*-bookworm-slim$/);
    expect(new Set(bases).size).toBe(1);
  });

  it('installs what the lock file names, and runs no install script', () => {
    const npm = texts('RUN', all).filter((text) => text.startsWith('npm '));
    expect(npm.map((text) => text.split(' ').slice(0, 2).join(' '))).toEqual(['npm ci', 'npm prune']);
    for (const text of npm) expect(text).toContain('--ignore-scripts');
  });

  it('has the manifest of every package of the workspace before npm ci', () => {
    const build = stages[0] ?? [];
    const before = build.slice(
      0,
      build.findIndex(({ text }) => text.startsWith('npm ci')),
    );
    const { workspaces }: { workspaces: string[] } = JSON.parse(read('package.json'));
    const copied = texts('COPY', before);
    for (const workspace of workspaces) expect(copied).toContain(`${workspace}/package.json ${workspace}/`);
  });

  it('does not run as root, and may write nothing but /data', () => {
    const [user = ''] = texts('USER');
    expect(user).toBe('node');
    const after = image.slice(image.findIndex(({ name }) => name === 'USER') + 1);
    expect(texts('COPY', after)).toEqual([]);
    expect(texts('COPY').filter((text) => text.includes('--chown'))).toEqual([
      '--from=build --chown=node:node /data /data',
    ]);
    expect(texts('VOLUME')).toEqual(['/data']);
  });

  it('starts the gateway in exec form, so that signals reach it', () => {
    const command = [...texts('ENTRYPOINT').flatMap(execForm), ...texts('CMD').flatMap(execForm)];
    expect(command).toEqual(['node', '--max-semi-space-size=16', 'server/dist/cli/main.js', 'serve']);
    expect(existsSync(`${ROOT}${sourceOf(command[2] ?? '')}`)).toBe(true);
  });

  it('checks its health with node, by a program that exists', () => {
    const [check = ''] = texts('HEALTHCHECK');
    const [runtime, program = '', ...rest] = execForm(check.slice(check.indexOf('CMD ') + 4));
    expect([runtime, rest]).toEqual(['node', []]);
    expect(existsSync(`${ROOT}${sourceOf(program)}`)).toBe(true);
    expect(check).toMatch(/--interval=\d+s .*--timeout=\d+s .*--retries=\d+/);
  });

  it('sets nothing but valid keys of the configuration, with data on the volume and both ports open', () => {
    expect([...environment.keys()].filter((name) => !isKey(name))).toEqual(['NODE_ENV']);
    const { config } = load({ env: settings, defaultFiles: [] });
    expect(config.DataFile.startsWith('/data/')).toBe(true);
    expect(config.Host).toBe('0.0.0.0');
    expect(texts('EXPOSE')).toEqual([`${config.RpcPort} ${config.HttpPort}`]);
  });

  it('leaves the configuration to a file that is mounted as /config.yaml', () => {
    // A config.yaml in the working folder would be found before it.
    expect(texts('COPY', all).join('\n')).not.toContain('config.yaml');
  });
});

describe('the packages in the image', () => {
  const { resolve } = createRequire(`${ROOT}server/package.json`);
  const strip = texts('RUN', stages[0]).find((text) => text.includes('rm -rf node_modules/')) ?? '';
  const removed = Array.from(strip.matchAll(/node_modules\/[^\s*]+\*?[^\s]*/g), ([path]) => path);

  it('miss nothing that Node loads', () => {
    expect(removed.length).toBeGreaterThan(4);
    for (const path of removed) {
      for (const match of globSync(path, ROOT)) {
        const [, scope = '', name = ''] = match.split('/');
        if (scope === '@types') continue;
        const loaded = resolve(`${scope}/${name}`);
        expect(loaded).toContain(`/node_modules/${scope}/${name}/`);
        expect(loaded).not.toContain(`${match}/`);
      }
    }
  });

  it('miss what they are said to, where it is', () => {
    for (const path of removed.filter((path) => !path.includes('win32') && !path.includes('darwin'))) {
      expect(globSync(path, ROOT), path).not.toEqual([]);
    }
    expect(removed.some((path) => path.includes('linux'))).toBe(false);
  });

  it('keep their licenses', () => {
    expect(strip).not.toMatch(/license/i);
  });
});

describe('the build context', () => {
  const rules = read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

  it('holds what the build copies, and nothing that is not asked for', () => {
    expect(rules[0]).toBe('*');
    const allowed = rules.filter((rule) => rule.startsWith('!')).map((rule) => rule.slice(1));
    const sources = texts('COPY', stages[0])
      .flatMap((text) => text.split(' ').slice(0, -1))
      .map((path) => path.replace(/\/package\.json$/, ''));
    expect([...new Set(sources)].sort()).toEqual(allowed.sort());
  });

  it('holds neither installed packages, nor old builds, nor data', () => {
    for (const rule of ['**/node_modules', '**/dist', '**/*.tsbuildinfo', '**/*.db']) expect(rules).toContain(rule);
  });
});
