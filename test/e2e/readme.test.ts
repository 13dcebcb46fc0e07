import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startGateway } from '../support/gateway.js';
import { Program, ROOT } from '../support/program.js';

/** The example as it stands, but for the address: every test has ports of its own. */
test('the TypeScript example of the README publishes and consumes', async () => {
  const gateway = await startGateway('embedded');
  const code = /```ts\n([\s\S]*?)```/.exec(readFileSync(`${ROOT}/README.md`, 'utf8'))?.[1] ?? '';
  expect(code).toContain("connect('localhost:9091')");
  const example = new Program(['--input-type=module', '--eval', code.replace('localhost:9091', gateway.rpcUrl)]);
  await example.says('{ number: 42 } attempt 1');
  expect(example.stderr).toBe('');
});
