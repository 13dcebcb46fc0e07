import type { PeerCertificate } from 'node:tls';
import type { CertificateEntry } from './credentials-file.js';
import { ALL_GRANTS, Permissions } from './permissions.js';
import { Principal } from './principal.js';

const MAX_NAME_LENGTH = 32;
/** Principals of certificates that are kept; past it they are made anew. */
const MAX_KEPT = 10_000;

/** Who brings a client certificate, which the authority of `TlsClientCa` signed. */
export class CertificateNames {
  #bySubject = new Map<string, { readonly entry: string; readonly principal: Principal }>();
  readonly #anybody = new Map<string, Principal>();

  /** `everybody`: whoever has a certificate may do everything, since nothing says what each may do. */
  constructor(private readonly everybody: boolean) {}

  /** Takes these in place of those before. */
  replace(entries: readonly CertificateEntry[]): void {
    const before = this.#bySubject;
    this.#bySubject = new Map(
      entries.map((entry) => {
        const text = JSON.stringify(entry);
        const old = before.get(entry.subject);
        const { name } = entry;
        if (old?.entry === text) return [entry.subject, old];
        return [
          entry.subject,
          { entry: text, principal: new Principal({ name, permissions: new Permissions(entry.grants) }) },
        ];
      }),
    );
    for (const [subject, { principal }] of before) {
      if (this.#bySubject.get(subject)?.principal !== principal) principal.revoke();
    }
  }

  /** Undefined for a certificate that the file does not name. */
  find(certificate: PeerCertificate): Principal | undefined {
    const names = namesOf(certificate);
    for (const name of names) {
      const found = this.#bySubject.get(name);
      if (found !== undefined) return found.principal;
    }
    return this.everybody ? this.#owner(names[0] ?? 'certificate') : undefined;
  }

  #owner(subject: string): Principal {
    const name = subject.replace(/[^A-Za-z0-9._:@-]/g, '_').slice(0, MAX_NAME_LENGTH);
    let principal = this.#anybody.get(name);
    if (principal === undefined) {
      principal = new Principal({ name, permissions: new Permissions(ALL_GRANTS) });
      if (this.#anybody.size >= MAX_KEPT) this.#anybody.clear();
      this.#anybody.set(name, principal);
    }
    return principal;
  }
}

/** The common name, then the alternative names: `DNS:a, URI:spiffe://b` as node writes them, without their kinds. */
export function namesOf({ subject, subjectaltname }: Partial<PeerCertificate>): string[] {
  const common: unknown = subject?.CN;
  const names = typeof common === 'string' && common !== '' ? [common] : [];
  // Node puts in quotes what holds a comma, which no name of ours does.
  for (const part of (subjectaltname ?? '').split(', ')) {
    const match = /^(?:DNS|URI|email):([^"\s]+)$/.exec(part);
    if (match?.[1] !== undefined) names.push(match[1]);
  }
  return names;
}
