import { status } from '@grpc/grpc-js';
import { WaybillError } from '@waybill/sdk';
import { ConfigError } from '../config/problem.js';
import { StartError } from '../model/errors.js';

/** What the process exits with; `docs/cli.md` lists them. */
export const EXIT = { failed: 1, notFound: 3, unavailable: 4, refused: 5, notConfirmed: 6 } as const;

/** A command that failed in a way that a person can mend. `code` is a gRPC status, or a word of our own. */
export class CommandError extends Error {
  override readonly name = 'CommandError';

  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** What a gRPC call threw, in the gateway's own words. */
export function callFailed(error: unknown, address: string): unknown {
  if (!(error instanceof Error && 'code' in error && 'details' in error)) return error;
  const code = typeof error.code === 'number' ? status[error.code] : undefined;
  if (code === undefined) return error;
  return new CommandError(code, code === 'UNAVAILABLE' ? `${address}: ${error.details}` : String(error.details));
}

/** Words for a person, or with `json` one line for a program; a fault of ours keeps its stack. */
export function failureText(error: unknown, json: boolean): string {
  const message = wordsOf(error);
  return json ? JSON.stringify({ error: { code: codeOf(error), message } }) : message;
}

export function exitCodeOf(error: unknown): number {
  switch (codeOf(error)) {
    case 'NOT_FOUND':
      return EXIT.notFound;
    case 'UNAVAILABLE':
    case 'DEADLINE_EXCEEDED':
      return EXIT.unavailable;
    case 'UNAUTHENTICATED':
    case 'PERMISSION_DENIED':
      return EXIT.refused;
    case 'NOT_CONFIRMED':
      return EXIT.notConfirmed;
    default:
      return EXIT.failed;
  }
}

function codeOf(error: unknown): string {
  if (error instanceof CommandError || error instanceof WaybillError) return error.code;
  return error instanceof ConfigError ? 'CONFIG_INVALID' : 'FAILED';
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known =
    error instanceof CommandError ||
    error instanceof ConfigError ||
    error instanceof StartError ||
    error instanceof WaybillError;
  if (known) return error.message;
  // Much is loaded only where it is wanted, so an install that is not whole shows late.
  if ('code' in error && error.code === 'ERR_MODULE_NOT_FOUND')
    return `waybill is not installed whole: ${error.message}`;
  return error.stack ?? error.message;
}
