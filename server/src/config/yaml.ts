import { type Document, isAlias, isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import { check, type Entries, type Entry } from './entry.js';
import { malformed } from './malformed.js';
import { nearest } from './nearest.js';
import type { Problem } from './problem.js';
import { isKey, KEYS, type Key, SETTINGS } from './schema.js';

/** What YAML text sets; `path` is for messages. A key with an empty value is not set. */
export function parseEntries(path: string, source: string): Entries {
  const lines = new LineCounter();
  // Duplicates are looked for below: the parser would report the first one only.
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  // A warning is a tag that nobody knows, such as a password that starts with `!`: the value would be lost in silence.
  if (document.errors.length + document.warnings.length > 0) {
    return { entries: [], problems: malformed(path, source, document, lines) };
  }
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return { entries: [], problems: [] };
  if (isMap(root)) return rootEntries(document, root, (offset) => `${path}:${lines.linePos(offset).line}`);
  const suggestion = 'write one key a line, such as RpcPort: 9091';
  return { entries: [], problems: [{ where: path, key: '', value: '', fault: 'holds no keys', suggestion }] };
}

function rootEntries(document: Document, root: YAMLMap, place: (offset: number) => string): Entries {
  const entries: Entry[] = [];
  const problems: Problem[] = [];
  const first = new Map<Key, string>();
  for (const { key, value } of root.items) {
    const where = place((isScalar(key) ? key.range?.[0] : undefined) ?? root.range?.[0] ?? 0);
    const name = isScalar(key) ? (key.source ?? String(key.value)) : '';
    if (!isKey(name)) {
      problems.push(unknownKey(where, name));
      continue;
    }
    const before = first.get(name);
    if (before !== undefined) {
      const fault = `was set before, at ${before}`;
      problems.push({ where, key: name, value: '', fault, suggestion: 'keep one of them' });
      continue;
    }
    first.set(name, where);
    const text = scalarText(document, value);
    if (text === '') continue;
    const problem = text === undefined ? notScalar(where, name) : check({ key: name, text, where });
    if (problem !== undefined) problems.push(problem);
    else if (text !== undefined) entries.push({ key: name, text, where });
  }
  return { entries, problems };
}

/**
 * The text of a plain value as it stands in the file, so that a password of 007 or 1e5 is not read as a number. Undefined for
 * a list, a map, an alias of nothing, and for an anchor without a value, which is how YAML reads a password that starts with `&`.
 */
function scalarText(document: Document, value: unknown): string | undefined {
  const node = isAlias(value) ? value.resolve(document) : value;
  if (node === null) return '';
  if (!isScalar(node)) return undefined;
  if (node.value === null) return node.anchor === undefined ? '' : undefined;
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
}

function unknownKey(where: string, name: string): Problem {
  const near = nearest(name, KEYS);
  const suggestion = near === undefined ? 'see docs/configuration.md for all keys' : `did you mean ${near}?`;
  return { where, key: name, value: '', fault: 'is not a key', suggestion };
}

function notScalar(where: string, key: Key): Problem {
  const suggestion = 'write one value, in quotes if it starts with a special character';
  return { where, key, value: '', fault: `must be ${SETTINGS[key].limit}`, suggestion };
}
