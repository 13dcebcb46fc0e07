import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { atTestEnd } from '../support/cleanup.js';
import { startGateway } from '../support/gateway.js';
import { tempFolder } from '../support/reaper.js';
import { ensureDebianPackages } from '../support/services.js';
import { COMPAT, CONTRACT, PROTO, PROTOC, runTool } from './tools.js';

const PACKAGES = [
  'golang-go',
  'golang-google-grpc-dev',
  'golang-github-golang-protobuf-1-5-dev',
  'protobuf-compiler',
  'libprotobuf-dev',
  'protoc-gen-go-1-5',
  'protoc-gen-go-grpc',
];
/** Debian's Go libraries: nothing is fetched. */
const LIBRARIES = '/usr/share/gocode';
/** The first build takes about a minute, of which what does not change is kept for all later runs. */
const BUILD_CACHE = join(tmpdir(), 'waybill-test-go-build');

test('a stock Go client publishes, pulls, acks, subscribes, and gets a typed error', { timeout: 400_000 }, async () => {
  await ensureDebianPackages(PACKAGES);
  const folder = tempFolder('go');
  atTestEnd(async () => folder.remove());
  const program = await build(folder.path);
  const gateway = await startGateway('embedded');
  expect(await runTool(program, [gateway.rpcUrl, `go.${randomUUID()}`])).toBe('done\n');
});

async function build(folder: string): Promise<string> {
  const source = join(folder, 'src');
  mkdirSync(source);
  const protos = [...CONTRACT, 'google/rpc/error_details.proto'];
  const places = protos.map((proto) => `M${proto}=${proto.slice(0, proto.lastIndexOf('/'))}`).join(',');
  await runTool(PROTOC, [
    `-I${PROTO}`,
    `-I${COMPAT}`,
    `--go_out=${places}:${source}`,
    `--go-grpc_out=${places}:${source}`,
    ...protos,
  ]);
  const program = join(folder, 'client');
  const env = { GO111MODULE: 'off', GOPATH: `${folder}:${LIBRARIES}`, GOCACHE: BUILD_CACHE, GOFLAGS: '-p=2' };
  await runTool('/usr/bin/go', ['build', '-o', program, `${COMPAT}/go/main.go`], { env });
  return program;
}
