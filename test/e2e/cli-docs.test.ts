import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { gatewayGroup } from '../support/gateway.js';
import { Program, ROOT } from '../support/program.js';

const DOCS = readFileSync(join(ROOT, 'docs/cli.md'), 'utf8');

test('the example of docs/cli.md runs', async () => {
  const group = await gatewayGroup('embedded');
  const { rpcUrl } = await group.start();
  onTestFinished(() => group.remove());
  const lines = /## An example[\s\S]*?```sh\n([\s\S]*?)```/.exec(DOCS)?.[1]?.trim().split('\n') ?? [];
  expect(lines.length).toBeGreaterThan(5);
  for (const line of lines) {
    const args = Array.from(line.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, plain]) => quoted ?? plain ?? '').slice(1);
    const program = new Program(['server/bin/waybill.js', ...args], { WAYBILL_URL: rpcUrl });
    expect({ line, code: await program.exit(), err: program.stderr }).toEqual({ line, code: 0, err: '' });
  }
}, 120_000);

test('docs/cli.md names every command and option', async () => {
  const program = new Program(['server/bin/waybill.js', 'completion', 'bash']);
  expect(await program.exit()).toBe(0);
  const words = new Set(
    Array.from(program.stdout.matchAll(/next='([^']*)'/g), ([, next = '']) => next.split(' ')).flat(),
  );
  expect(words.size).toBeGreaterThan(40);
  expect([...words].filter((word) => !DOCS.includes(word))).toEqual([]);
});
