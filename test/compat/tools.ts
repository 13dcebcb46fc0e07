import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The checkout. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const PROTO = `${ROOT}/proto`;
/** Holds the published `google.rpc` protos, as far as the clients need them. */
export const COMPAT = `${ROOT}/test/compat`;
export const CONTRACT = ['waybill/v1/bus.proto', 'waybill/v1/message.proto'];

/** Debian's protoc; the protos that it brings, `google/protobuf/*.proto`, are in libprotobuf-dev. */
export const PROTOC = '/usr/bin/protoc';

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program of another language; rejects with all that it said when it fails. Answers its standard output. */
export async function runTool(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, LANG: 'C.UTF-8', ...options.env };
  const ran = run(file, [...args], { ...options, env, timeout: 110_000, maxBuffer: 16 << 20 });
  const { stdout } = await ran.catch((error: unknown) => {
    const said = error instanceof Error && 'stderr' in error ? `${error.stderr}` : '';
    throw new Error(`${file} ${args.join(' ')} failed: ${error}\n${said}`, { cause: error });
  });
  return stdout;
}
