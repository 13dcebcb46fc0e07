import { parseDocument } from 'yaml';
import { readGrants } from './grants.js';
import { type Grants, RIGHTS } from './permissions.js';

/** A token as the file has it: of the token itself, nothing but its hash. */
export interface TokenEntry {
  readonly name: string;
  /** SHA-256, 64 hex digits. */
  readonly sha256: string;
  readonly grants: Grants;
  /** Unix milliseconds. */
  readonly expiresAt: number | undefined;
}

/** A client certificate, by its common name or one of its alternative names. */
export interface CertificateEntry {
  readonly name: string;
  readonly subject: string;
  readonly grants: Grants;
}

export interface Credentials {
  readonly tokens: readonly TokenEntry[];
  readonly certificates: readonly CertificateEntry[];
}

/** A name is in the audit log and before the names of consumers. */
export const NAME = /^[A-Za-z0-9._:@-]{1,32}$/;
const SHA256 = /^[0-9a-f]{64}$/i;

/** Reads the file of config `Tokens`. Throws an Error that names everything that is wrong, and nothing that is secret. */
export function parseCredentials(text: string): Credentials {
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: true });
  const [broken] = document.errors;
  // The parser's own words may quote the text.
  if (broken !== undefined) throw new Error(`is not YAML or JSON: ${broken.code.toLowerCase().replaceAll('_', ' ')}`);
  const root: unknown = document.toJS();
  const problems: string[] = [];
  if (root !== null && !isMap(root)) throw new Error('takes tokens: and certificates:, each a list');
  const { tokens, certificates, ...others } = root ?? {};
  for (const name of Object.keys(others)) problems.push(`${name} is no list that it takes: tokens, certificates`);
  const credentials = {
    tokens: entriesOf(tokens, 'tokens', problems).flatMap((entry) => tokenOf(entry, problems)),
    certificates: entriesOf(certificates, 'certificates', problems).flatMap((entry) => certificateOf(entry, problems)),
  };
  checkOnce(credentials.tokens, 'sha256', 'tokens', problems);
  checkOnce(credentials.tokens, 'name', 'tokens', problems);
  checkOnce(credentials.certificates, 'subject', 'certificates', problems);
  if (problems.length > 0) throw new Error(problems.join('; '));
  return credentials;
}

interface Entry {
  readonly where: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

function entriesOf(list: unknown, name: string, problems: string[]): Entry[] {
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) {
    problems.push(`${name} takes a list`);
    return [];
  }
  return list.flatMap((fields: unknown, i) => {
    const where = `${name}[${i}]`;
    if (isMap(fields)) return [{ where, fields }];
    problems.push(`${where} takes keys and values`);
    return [];
  });
}

function tokenOf({ where, fields }: Entry, problems: string[]): TokenEntry[] {
  const { name, sha256, expires } = fields;
  const before = problems.length;
  const report = (fault: string) => problems.push(`${where}: ${fault}`);
  checkKeys(fields, ['name', 'sha256', 'expires'], report);
  const grants = readGrants(fields, report);
  const expiresAt = expires === undefined ? undefined : timeOf(expires);
  if (Number.isNaN(expiresAt)) report('expires takes a time such as 2030-01-31T00:00:00Z');
  if (typeof name !== 'string' || !NAME.test(name)) {
    report('name takes 1 to 32 characters of A-Z a-z 0-9 . _ : @ -');
  } else if (typeof sha256 !== 'string' || !SHA256.test(sha256)) {
    report('sha256 takes the 64 hex digits that `waybill token create` prints');
  } else if (problems.length === before) return [{ name, sha256: sha256.toLowerCase(), grants, expiresAt }];
  return [];
}

function certificateOf({ where, fields }: Entry, problems: string[]): CertificateEntry[] {
  const { name, subject } = fields;
  const before = problems.length;
  const report = (fault: string) => problems.push(`${where}: ${fault}`);
  checkKeys(fields, ['name', 'subject'], report);
  const grants = readGrants(fields, report);
  if (typeof name !== 'string' || !NAME.test(name)) {
    report('name takes 1 to 32 characters of A-Z a-z 0-9 . _ : @ -');
  } else if (typeof subject !== 'string' || subject === '') {
    report('subject takes a common name, or an alternative name, of a certificate');
  } else if (problems.length === before) return [{ name, subject, grants }];
  return [];
}

function checkKeys(fields: Readonly<Record<string, unknown>>, own: readonly string[], report: (fault: string) => void) {
  const known: readonly string[] = [...own, ...RIGHTS];
  for (const key of Object.keys(fields)) {
    if (!known.includes(key)) report(`${key.slice(0, 32)} is no key; there are ${known.join(', ')}`);
  }
}

function checkOnce<K extends string>(
  entries: readonly Readonly<Record<K, string>>[],
  key: K,
  list: string,
  problems: string[],
): void {
  const seen = new Set<string>();
  for (const [i, { [key]: value }] of entries.entries()) {
    if (seen.has(value)) problems.push(`${list}[${i}] has the ${key} of another`);
    seen.add(value);
  }
}

function timeOf(value: unknown): number {
  return typeof value === 'string' ? Date.parse(value) : value instanceof Date ? value.getTime() : Number.NaN;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
