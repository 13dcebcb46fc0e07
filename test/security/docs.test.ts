import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { BusClient } from '../support/client.js';
import { Gateway, type Settings } from '../support/gateway.js';
import { ROOT } from '../support/program.js';
import { Issuer } from './issuer.js';

const run = promisify(execFile);
const PAGE = readFileSync(join(ROOT, 'docs/security.md'), 'utf8');

/** The block of the page with this kind and name: ```sh tls. */
function block(kind: string, name: string): string {
  const found = new RegExp(`^\`\`\`${kind} ${name}\\n(.*?)^\`\`\``, 'ms').exec(PAGE);
  if (found?.[1] === undefined) throw new Error(`docs/security.md has no block ${kind} ${name}`);
  return found[1];
}

/** Runs a block in the folder, with the command at hand; answers what it printed. */
async function shell(script: string, folder: string): Promise<string> {
  const command = `waybill() { "${process.execPath}" "${ROOT}server/dist/cli/main.js" "$@"; }`;
  const env = { PATH: process.env.PATH, HOME: folder };
  const { stdout } = await run('sh', ['-euc', `${command}\n${script}`], { cwd: folder, env });
  return stdout;
}

async function prepared(settings: Settings, ...scripts: readonly string[]): Promise<Gateway> {
  const gateway = await Gateway.create(settings);
  onTestFinished(() => gateway.remove());
  for (const script of scripts) await shell(script, gateway.folder);
  return gateway;
}

const settingsOf = (name: string): Settings => parse(block('yaml', name));
const at = (script: string, { rpcUrl }: Gateway) => script.replaceAll(/localhost:9091/g, rpcUrl);

test.each([
  ['tokens', ['tokens']],
  ['tls', ['tls']],
  ['mtls', ['tls', 'mtls']],
])('the recipe for %s runs', { timeout: 180_000 }, async (name, before) => {
  const gateway = await prepared(settingsOf(name), ...before.map((one) => block('sh', one)));
  await gateway.start();
  expect(await shell(at(block('sh', `${name}-use`), gateway), gateway.folder)).toContain('parked');
  const stranger = new BusClient(gateway.rpcUrl);
  onTestFinished(() => stranger.close());
  await expect(stranger.publish([{ topic: 'orders.created' }], 1_500)).rejects.toMatchObject({
    code: expect.any(Number),
  });
});

test('the recipe for JSON Web Tokens gives the rights that it says', async () => {
  const { JwtJwksUrl, ...settings } = settingsOf('jwt');
  expect(JwtJwksUrl).toMatch(/^https:/);
  const issuer = new Issuer();
  await issuer.rotate('one');
  const gateway = await prepared({ ...settings, JwtJwksFile: 'keys.json' });
  writeFileSync(join(gateway.folder, 'keys.json'), issuer.keys);
  await gateway.start();
  const client = new BusClient(gateway.rpcUrl, { token: await issuer.token(JSON.parse(block('json', 'jwt'))) });
  onTestFinished(() => client.close());
  await client.publishOne({ topic: 'orders.created' });
  await (await client.subscribe('payments', 'shop')).close();
  await expect(client.publishOne({ topic: 'payments' })).rejects.toMatchObject({ code: 7 });
  await expect(client.subscribe('payments', 'other')).rejects.toMatchObject({ code: 7 });
});
