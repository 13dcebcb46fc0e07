import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Engine, startGateway } from '../support/gateway.js';
import { tempFolder } from '../support/reaper.js';
import { ensureDebianPackages } from '../support/services.js';

const run = promisify(execFile);
const PROTO = fileURLToPath(new URL('../../proto', import.meta.url));
const CLIENTS = fileURLToPath(new URL('event-bus', import.meta.url));
/** Debian's own, which has the packages; another Python may come first in PATH. */
const PYTHON = '/usr/bin/python3';
const PROTOC = '/usr/bin/protoc';
/** The first build takes about a minute, of which what does not change is kept for all later runs. */
const GO_CACHE = join(tmpdir(), 'waybill-test-go-build');
const SETUP_MS = 400_000;
const RUN_MS = 50_000;

const ENGINES: readonly Engine[] = ['embedded', 'cluster'];
const SETTINGS = { NackdJobNextRunDelaySeconds: 1 };
const DONE = 'queue ok\ntopic ok\nerrors ok\n';

// Code that the stock generator of each language makes of the contract, on stock gRPC: nothing of ours in between.

describe('a Python client of event-bus', () => {
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    // Debian's grpc_tools is of 2018, and does not know the contract's options: protoc with gRPC's plugin is the same elsewhere.
    await ensureDebianPackages([
      'python3-grpcio',
      'python3-protobuf',
      'protobuf-compiler',
      'libprotobuf-dev',
      'protobuf-compiler-grpc',
    ]);
    const { path, remove } = tempFolder('event-bus-python');
    const plugin = '--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin';
    await run(PROTOC, [`-I${PROTO}`, plugin, `--python_out=${path}`, `--grpc_python_out=${path}`, 'mq/mq.proto']);
    env = { PATH: process.env.PATH, PYTHONPATH: path, PYTHONDONTWRITEBYTECODE: '1' };
    return remove;
  }, SETUP_MS);

  test.each(ENGINES)('works unchanged on the %s engine', async (engine) => {
    const gateway = await startGateway(engine, SETTINGS);
    const { stdout } = await run(PYTHON, [join(CLIENTS, 'client.py'), gateway.rpcUrl], { env, timeout: RUN_MS });
    expect(stdout).toBe(DONE);
  });
});

describe('a Go client of event-bus', () => {
  let program: string;

  beforeAll(async () => {
    await ensureDebianPackages([
      'golang-go',
      'golang-google-grpc-dev',
      'golang-github-golang-protobuf-1-5-dev',
      'protobuf-compiler',
      'libprotobuf-dev',
      'protoc-gen-go-1-5',
      'protoc-gen-go-grpc',
    ]);
    const { path, remove } = tempFolder('event-bus-go');
    const mq = join(path, 'src', 'mq');
    mkdirSync(mq, { recursive: true });
    await run(PROTOC, [`-I${PROTO}`, `--go_out=${mq}`, `--go-grpc_out=${mq}`, 'mq/mq.proto']);
    program = join(path, 'client');
    // Debian's libraries lie in a folder of their own: nothing is fetched.
    const goPath = `${path}:/usr/share/gocode`;
    const env = { GO111MODULE: 'off', GOPATH: goPath, GOCACHE: GO_CACHE, GOFLAGS: '-p=2', PATH: process.env.PATH };
    await run('go', ['build', '-o', program, join(CLIENTS, 'main.go')], { env, timeout: SETUP_MS });
    return remove;
  }, SETUP_MS);

  test.each(ENGINES)('works unchanged on the %s engine', async (engine) => {
    const gateway = await startGateway(engine, SETTINGS);
    const { stdout } = await run(program, [gateway.rpcUrl], { timeout: RUN_MS });
    expect(stdout).toBe(DONE);
  });
});
