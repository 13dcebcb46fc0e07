import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import forge from 'node-forge';

const { pki, md } = forge;
const HOUR_MS = 3_600_000;

export interface CertificateFacts {
  /** Its common name. */
  readonly name: string;
  /** Alternative names, beside `localhost` and 127.0.0.1. */
  readonly dns?: readonly string[];
}

/** A certificate and its key, PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** An authority of this test alone, and the certificates that it signs. */
export class Authority {
  readonly cert: string;
  readonly #key: forge.pki.rsa.PrivateKey;
  readonly #certificate: forge.pki.Certificate;

  constructor(name: string) {
    const { certificate, key } = prepare(name);
    certificate.setIssuer(certificate.subject.attributes);
    certificate.setExtensions([
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ]);
    certificate.sign(key, md.sha256.create());
    this.#key = key;
    this.#certificate = certificate;
    this.cert = pki.certificateToPem(certificate);
  }

  issue({ name, dns = [] }: CertificateFacts): Identity {
    const { certificate, key } = prepare(name);
    certificate.setIssuer(this.#certificate.subject.attributes);
    const altNames = [...['localhost', ...dns].map((value) => ({ type: 2, value })), { type: 7, ip: '127.0.0.1' }];
    certificate.setExtensions([
      { name: 'basicConstraints', cA: false },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      { name: 'subjectAltName', altNames },
    ]);
    certificate.sign(this.#key, md.sha256.create());
    return { cert: pki.certificateToPem(certificate), key: pki.privateKeyToPem(key) };
  }
}

export interface IdentityFiles {
  readonly cert: string;
  readonly key: string;
}

/** Writes them into the folder, over those of the same name before. */
export function writeIdentity(folder: string, name: string, { cert, key }: Identity): IdentityFiles {
  const files = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key, { mode: 0o600 });
  return files;
}

let serial = 1;

function prepare(name: string): {
  readonly certificate: forge.pki.Certificate;
  readonly key: forge.pki.rsa.PrivateKey;
} {
  // Node makes keys a hundred times faster.
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const key = pki.privateKeyFromPem(privateKey.export({ type: 'pkcs1', format: 'pem' }).toString());
  const certificate = pki.createCertificate();
  certificate.publicKey = pki.setRsaPublicKey(key.n, key.e);
  certificate.serialNumber = (serial++).toString(16).padStart(2, '0');
  certificate.validity.notBefore = new Date(Date.now() - HOUR_MS);
  certificate.validity.notAfter = new Date(Date.now() + 30 * 24 * HOUR_MS);
  certificate.setSubject([{ name: 'commonName', value: name }]);
  return { certificate, key };
}
