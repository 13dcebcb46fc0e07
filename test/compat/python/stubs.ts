import { ensureDebianPackages } from '../../support/services.js';
import { COMPAT, CONTRACT, PROTO, PROTOC, type RunOptions, runTool } from '../tools.js';

/** Debian's own, not another one that may be first in the path. */
const PYTHON = '/usr/bin/python3';

/**
 * Generates the Python code of the contract into the folder. What `grpc_tools.protoc` is elsewhere is here protoc with gRPC's
 * plugin: Debian's grpc_tools is of 2018, and does not know `optional`.
 */
export async function makePythonStubs(folder: string): Promise<void> {
  await ensureDebianPackages([
    'python3-grpcio',
    'python3-protobuf',
    'protobuf-compiler',
    'libprotobuf-dev',
    'protobuf-compiler-grpc',
  ]);
  await runTool(PROTOC, [
    `-I${PROTO}`,
    `-I${COMPAT}`,
    '--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin',
    `--python_out=${folder}`,
    `--grpc_python_out=${folder}`,
    ...CONTRACT,
    'google/rpc/status.proto',
    'google/rpc/error_details.proto',
  ]);
}

export function runPython(stubs: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return runTool(PYTHON, args, { ...options, env: { PYTHONPATH: stubs, PYTHONDONTWRITEBYTECODE: '1' } });
}
