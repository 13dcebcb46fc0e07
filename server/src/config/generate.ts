import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { renderDocs } from './render-docs.js';
import { renderYaml } from './render-yaml.js';

/** The committed files that come from the schema: writes them, or with `--check` exits with 1 when one of them differs. */
const FILES: ReadonlyMap<string, () => string> = new Map([
  ['config.yaml', renderYaml],
  ['docs/configuration.md', renderDocs],
]);

const root = new URL('../../../', import.meta.url);
const check = process.argv.includes('--check');

for (const [path, render] of FILES) {
  const file = fileURLToPath(new URL(path, root));
  const wanted = render();
  if (committed(file) === wanted) continue;
  if (check) {
    console.error(`${path} differs from the schema: run npm run generate:config`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, wanted);
    console.log(`${path} written`);
  }
}

function committed(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
