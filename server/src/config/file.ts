import { readFileSync } from 'node:fs';
import type { Entries } from './entry.js';
import type { Problem } from './problem.js';
import { parseEntries } from './yaml.js';

/** What a YAML file sets. */
export function readEntries(path: string): Entries {
  let source: string;
  try {
    source = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    return { entries: [], problems: [unreadable(path, error)] };
  }
  return parseEntries(path, source);
}

function unreadable(path: string, error: unknown): Problem {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const fault =
    code === 'ENOENT'
      ? 'there is no such file'
      : code === 'EISDIR'
        ? 'is a folder, not a file'
        : code === 'EACCES'
          ? 'may not be read by this user'
          : code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
            ? 'is not UTF-8 text'
            : `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  return { where: path, key: '', value: '', fault, suggestion: code === 'ENOENT' ? 'check the path' : '' };
}
