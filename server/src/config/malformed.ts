import { type Document, isMap, isNode, type LineCounter, type YAMLError } from 'yaml';
import { MASK } from './mask.js';
import type { Problem } from './problem.js';
import { isKey, SETTINGS } from './schema.js';

/** What the parser did not understand, with place and text, and no secret in it. */
export function malformed(path: string, source: string, document: Document, lines: LineCounter): Problem[] {
  const text = source.split(/\r?\n/);
  return [...document.errors, ...document.warnings]
    .map((error) => ({ error, offset: beginning(document, error) }))
    .sort((one, other) => one.offset - other.offset)
    .map(({ error, offset }) => {
      const { line, col } = lines.linePos(offset);
      const secret = inSecret(text, line);
      return {
        where: `${path}:${line}:${col}`,
        key: '',
        value: secret ? MASK : (text[line - 1] ?? '').trim(),
        // The parser's words may repeat what it stumbled over.
        fault: secret ? 'is not valid YAML' : `is not valid YAML: ${words(error)}`,
        suggestion: 'check indentation and quotes; a value with special characters goes in quotes',
      };
    });
}

function words({ code, message }: YAMLError): string {
  return code === 'MULTIPLE_DOCS' ? 'a second document starts here' : message;
}

/** A quote or bracket that is never closed is noticed at the end of the file: the place to show is where it was opened. */
function beginning({ contents }: Document, { code, pos }: YAMLError): number {
  if (code !== 'MISSING_CHAR' || !isMap(contents)) return pos[0];
  const opened = contents.items
    .map(({ value }) => (isNode(value) ? (value.range?.[0] ?? 0) : 0))
    .filter((offset) => offset <= pos[0]);
  return Math.max(...opened, 0);
}

/** Whether the line (from 1) is, or goes on with, the value of a secret key. */
function inSecret(text: readonly string[], line: number): boolean {
  for (let at = line; at > 0; at--) {
    const match = /^(\s*)\{?\s*["']?(\w+)["']?\s*:/.exec(text[at - 1] ?? '');
    const name = match?.[2] ?? '';
    if (isKey(name)) return SETTINGS[name].secret !== undefined;
    if (match?.[1] === '') return false;
  }
  return false;
}
