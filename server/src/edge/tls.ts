import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';
import { experimental, type ServerCredentials } from '@grpc/grpc-js';
import type { Clock } from '../ports/clock.js';
import type { Logger } from '../ports/logger.js';
import type { Watched } from './watched-files.js';

export interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  /** Empty: clients are not asked for certificates. */
  readonly clientCa: string;
  readonly clientAuth: 'require' | 'optional';
}

type Provider = Parameters<typeof experimental.createCertificateProviderServerCredentials>[0];
type IdentityListener = Parameters<Provider['addIdentityCertificateListener']>[0];
type CaListener = Parameters<Provider['addCaCertificateListener']>[0];

/** An expiry this near is told of when the certificate is taken. */
const SOON_MS = 7 * 86_400_000;

/**
 * The certificate of both ports, and the authorities of clients. New files are for new connections; those that are open stay as
 * they are.
 */
export class Tls implements Provider {
  readonly #identities = new Set<IdentityListener>();
  readonly #authorities = new Set<CaListener>();
  readonly #servers = new Set<HttpsServer>();
  #pems: { readonly cert: Buffer; readonly key: Buffer; readonly ca: Buffer | undefined } | undefined;

  constructor(
    private readonly options: TlsOptions,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Its files, to be read before the ports are opened. */
  get watched(): Watched {
    const { cert, key, clientCa } = this.options;
    const files = [
      { key: 'TlsCert', path: cert },
      { key: 'TlsKey', path: key },
    ];
    if (clientCa !== '') files.push({ key: 'TlsClientCa', path: clientCa });
    return { files, take: ([certPem, keyPem, caPem]) => this.#take(certPem, keyPem, caPem) };
  }

  get clientsNeedCertificate(): boolean {
    return this.options.clientCa !== '' && this.options.clientAuth === 'require';
  }

  /** For the gRPC port. */
  credentials(): ServerCredentials {
    const authorities = this.options.clientCa === '' ? null : this;
    return experimental.createCertificateProviderServerCredentials(this, authorities, this.clientsNeedCertificate);
  }

  /**
   * For the HTTP port, which takes a connection without a client certificate too, since probes have none: who asks for more than
   * they do is told from `socketIsTrusted`.
   */
  get httpsOptions(): SecureContextOptions & { readonly requestCert: boolean; readonly rejectUnauthorized: boolean } {
    return { ...this.#context(), requestCert: this.options.clientCa !== '', rejectUnauthorized: false };
  }

  /** Keeps the server's certificate as new as the files. */
  keep(server: HttpsServer): void {
    this.#servers.add(server);
    server.once('close', () => this.#servers.delete(server));
  }

  socketIsTrusted(socket: Socket): boolean {
    return !this.clientsNeedCertificate || (socket instanceof TLSSocket && socket.authorized);
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#identities.add(listener);
    // Who asks first hears of it when it has got all that it asks for.
    process.nextTick(() => this.#tellIdentity(listener));
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#identities.delete(listener);
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#authorities.add(listener);
    process.nextTick(() => this.#tellAuthorities(listener));
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#authorities.delete(listener);
  }

  #take(cert: Buffer | undefined, key: Buffer | undefined, ca: Buffer | undefined): void {
    if (cert === undefined || key === undefined) throw new Error('a file is missing');
    const certificate = read('TlsCert is no certificate in PEM', () => new X509Certificate(cert));
    // What OpenSSL says of a key may tell of it.
    const own = read('TlsKey is no private key in PEM', () => createPrivateKey(key));
    if (!certificate.checkPrivateKey(own)) throw new Error('TlsKey is not the key of TlsCert');
    if (ca !== undefined) read('TlsClientCa holds no certificate in PEM', () => new X509Certificate(ca));
    createSecureContext({ cert, key, ca });
    const until = Date.parse(certificate.validTo);
    if (until - this.clock.now() < SOON_MS) {
      this.logger.warn({ validTo: certificate.validTo }, 'the certificate of TlsCert is expired, or soon will be');
    }
    this.#pems = { cert, key, ca };
    for (const listener of this.#authorities) this.#tellAuthorities(listener);
    for (const listener of this.#identities) this.#tellIdentity(listener);
    for (const server of this.#servers) server.setSecureContext(this.#context());
  }

  #context(): SecureContextOptions {
    if (this.#pems === undefined) throw new Error('the certificate is not read yet');
    const { cert, key, ca } = this.#pems;
    return { cert, key, ...(ca === undefined ? {} : { ca }) };
  }

  #tellIdentity(listener: IdentityListener): void {
    if (this.#pems !== undefined) listener({ certificate: this.#pems.cert, privateKey: this.#pems.key });
  }

  #tellAuthorities(listener: CaListener): void {
    if (this.#pems?.ca !== undefined) listener({ caCertificate: this.#pems.ca });
  }
}

function read<T>(fault: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw new Error(fault);
  }
}
